import path from "node:path";
import { expect, it } from "vitest";
import { runReadme } from "../../../.vitest/readme.ts";

it("the README's example runs and prints what it says", async () => {
  // Head (0, 1) of the second sequence keeps four slots of two shared pages: one new page, nothing freed.
  expect(await runReadme(path.join(import.meta.dirname, ".."))).toBe(
    "Int32Array(4) [ 0, 1, 6, 7 ] 4 { free: 51, owned: 13, cached: 0, total: 64 }\n",
  );
});
