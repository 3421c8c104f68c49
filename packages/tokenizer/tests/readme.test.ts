import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, expect, it, vi } from "vitest";

const folder = await mkdtemp(join(tmpdir(), "tokenizer-readme-"));
afterAll(() => rm(folder, { recursive: true }));

it("the example of the README runs and prints what it says", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)![1]!;
  const source = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const file = join(folder, "example.ts");
  await writeFile(file, example.replace("@kvasir/tokenizer", source));
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const before = process.cwd();
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  try {
    await import(pathToFileURL(file).href);
  } finally {
    process.chdir(before);
  }
  expect(log.mock.calls).toEqual([[expect.any(Number), "Hello ", "🦙"]]);
});
