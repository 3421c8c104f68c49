import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runScript } from "./child-script.ts";

it("the first example of the README runs and prints what it says", async () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)![1]!;
  const { code, stdout } = await runScript(example.replace('"@kvasir/kernels"', '"../src/index.ts"'));
  expect({ code, stdout }).toEqual({ code: 0, stdout: "Float32Array(3) [ 3, 7, 11 ]\n" });
  expect(example).toContain(`// ${stdout.trim()}`);
});
