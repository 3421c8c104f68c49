import path from "node:path";
import { expect, it } from "vitest";
import { codeBlocks, runExample } from "../../../.vitest/readme.ts";

const folder = path.join(import.meta.dirname, "..");
const [first, second] = codeBlocks(`${folder}/README.md`, "ts");

it.each([
  ["a step", first!, "Float32Array(3) [ 3, 7, 11 ]"],
  ["packing", second!, "q8_0 true [ 4, 32 ]"],
])("the README's example of %s runs and prints what it says", async (_, code, printed) => {
  expect(await runExample(folder, code)).toBe(`${printed}\n`);
  expect(code).toContain(`// ${printed}\n`);
});
