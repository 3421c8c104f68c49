import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@kvasir/source"] },
  ssr: { resolve: { conditions: ["@kvasir/source"] } },
  test: {
    include: ["packages/*/{src,tests}/**/*.test.ts", "apps/*/{src,tests}/**/*.test.ts", "tests/**/*.test.ts"],
    pool: "forks",
    execArgv: ["--import", new URL("typescript-threads.mjs", import.meta.url).href],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
