import { defineConfig } from "tsup";

/** The one bundler configuration: ESM for Node 20, with types and source maps. */
export function library(entry: string[]): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: "esm",
    target: "node20",
    dts: { entry: "src/index.ts" },
    sourcemap: true,
    clean: true,
  });
}
