import path from "node:path";
import { expect, it } from "vitest";
import { runReadme } from "../../../.vitest/readme.ts";

it("the README's example runs on the built package and writes text", async () => {
  expect(await runReadme(path.join(import.meta.dirname, ".."))).toMatch(/\w+ \w+ \w+/);
});
