import path from "node:path";
import { expect, it } from "vitest";
import { codeBlocks, runReadme } from "../../../.vitest/readme.ts";

it("the README's example runs and prints what it says", async () => {
  const folder = path.join(import.meta.dirname, "..");
  const stdout = await runReadme(folder);
  expect(stdout).toBe("Float32Array(3) [ 3, 7, 11 ]\n");
  expect(codeBlocks(`${folder}/README.md`, "ts")[0]).toContain(`// ${stdout.trim()}`);
});
