import path from "node:path";
import { expect, it } from "vitest";
import { runReadme } from "../../../.vitest/readme.ts";

it("the README's example runs and prints what it says", async () => {
  expect(await runReadme(path.join(import.meta.dirname, ".."))).toBe(
    "3 [ [ 'llama.block_count', 1 ] ] F32 [ 2, 3 ] 224 24 { values: 1, bytes: 4 }\n",
  );
});
