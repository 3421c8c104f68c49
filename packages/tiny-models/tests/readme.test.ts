import path from "node:path";
import { expect, it } from "vitest";
import { runReadme } from "../../../.vitest/readme.ts";

it("the README's example runs and prints both models", async () => {
  expect(await runReadme(path.join(import.meta.dirname, ".."))).toBe(
    "tiny: 8 layers, map standard\ntiny-lckv: 8 layers, map 0_6_6_6_6_6_6_7\n",
  );
});
