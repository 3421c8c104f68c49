// Bundles the conformance suite and what it needs, for a Node without a bundler. Argument: the folder to write to.
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "vite";

const own = createRequire(import.meta.url);
const vitest = createRequire(own.resolve("vitest/package.json"));
const expect = createRequire(vitest.resolve("@vitest/expect"));

await build({
  configFile: false,
  logLevel: "error",
  resolve: {
    alias: {
      "@vitest/expect": vitest.resolve("@vitest/expect"),
      "@vitest/runner": vitest.resolve("@vitest/runner"),
      chai: expect.resolve("chai"),
      vitest: join(import.meta.dirname, "vitest.mjs"),
    },
  },
  ssr: { noExternal: true },
  build: {
    ssr: join(import.meta.dirname, "run.mjs"),
    outDir: process.argv[2],
    emptyOutDir: false,
    target: "node20",
    minify: false,
    rollupOptions: { output: { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" } },
  },
});
