import path from "node:path";
import { expect, it } from "vitest";
import { runReadme } from "../../../.vitest/readme.ts";

it("the README's example runs and prints what it says", async () => {
  expect(await runReadme(path.join(import.meta.dirname, ".."))).toMatch(/^\d+ Hello {2}🦙\n$/);
});
