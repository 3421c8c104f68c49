import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";
import { expect, test } from "vitest";

test("the README's example runs and writes text", async () => {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(`${folder}/README.md`, "utf8"))!;
  const source = `${folder}/dist/readme-example.ts`;
  const script = `${folder}/dist/readme-example.mjs`;
  writeFileSync(source, example!);
  try {
    await build({
      logLevel: "silent",
      configFile: false,
      esbuild: { target: "node20" },
      build: {
        target: "node20",
        write: true,
        emptyOutDir: false,
        outDir: `${folder}/dist`,
        minify: false,
        lib: { entry: source, formats: ["es"], fileName: () => "readme-example.mjs" },
        rollupOptions: { external: /^(@kvasir|node:)/ },
      },
    });
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 60_000 });
    expect(stdout.length).toBeGreaterThan(20);
  } finally {
    rmSync(source, { force: true });
    rmSync(script, { force: true });
  }
});
