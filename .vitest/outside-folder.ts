import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const built = fileURLToPath(new URL("../packages/kv-policies/dist/index.js", import.meta.url));
export const isBuilt = existsSync(built);

/**
 * The folder of someone who writes policies, with @kvasir/kv-policies installed, as it is built. It lies in a `node_modules`,
 * from which Vitest leaves everything to Node, as it is for users.
 */
export class OutsideFolder {
  readonly #root = mkdtempSync(path.join(tmpdir(), "kv-policies-outside-"));
  readonly path = path.join(this.#root, "node_modules", "outside");

  constructor() {
    const installed = "../@kvasir/kv-policies";
    // A link to the workspace would be resolved to its sources.
    this.write(`${installed}/package.json`, '{ "type": "module", "exports": "./index.js" }');
    this.write(`${installed}/index.js`, `export * from ${JSON.stringify(pathToFileURL(built).href)};`);
  }

  /** Writes a file and the folders that it is in. */
  write(name: string, text: string): string {
    const file = path.join(this.path, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Writes a policy by key norms into a module of its own. */
  writePolicy(file: string, name: string, more = "", score = "keyNorm.map((norm) => -norm)"): string {
    const text = `import { definePolicy } from "@kvasir/kv-policies";
      export default definePolicy({
        name: "${name}", signals: ["keyNorm"], ${more} score: ({ keyNorm, options }) => ${score},
      });`;
    return this.write(file, text);
  }

  remove(): void {
    rmSync(this.#root, { recursive: true });
  }
}
