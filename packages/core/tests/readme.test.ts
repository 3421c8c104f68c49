import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ModuleKind, ScriptTarget, transpile } from "typescript";
import { expect, it } from "vitest";

it("the first example of the README runs on the built package and writes text", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)![1]!;
  expect(example).toContain("await using");
  // Node 20 does not know `await using`; TypeScript lowers it for an older target, as it does for a user.
  const module = transpile(example, { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", module],
    // A module evaluated here finds this package by its own name, which is its dist.
    { cwd: fileURLToPath(new URL("..", import.meta.url)) },
  );
  expect(stdout).toMatch(/\w+ \w+ \w+/);
});
