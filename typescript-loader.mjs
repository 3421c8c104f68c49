import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** A hook of Node's module loader: TypeScript sources as JavaScript, and JSON without more ado, as bundlers take them. */
export async function load(url, context, nextLoad) {
  if (url.startsWith("file:") && url.endsWith(".json") && context.importAttributes?.type === undefined) {
    const source = `export default ${await readFile(fileURLToPath(url), "utf8")};`;
    return { format: "module", source, shortCircuit: true };
  }
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return nextLoad(url, context);
  const { transform } = await import("esbuild");
  const { code } = await transform(await readFile(fileURLToPath(url), "utf8"), {
    loader: "ts",
    format: "esm",
    target: "node20",
    sourcefile: url,
    sourcemap: "inline",
  });
  return { format: "module", source: code, shortCircuit: true };
}
