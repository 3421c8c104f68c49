import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, expect, it, vi } from "vitest";

const folder = await mkdtemp(join(tmpdir(), "paged-memory-readme-"));
afterAll(() => rm(folder, { recursive: true }));

it("the example of the README runs and prints what it says", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)![1]!;
  const source = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const file = join(folder, "example.ts");
  await writeFile(file, example.replace("@kvasir/paged-memory", source));
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import(pathToFileURL(file).href);
  // Head (0, 1) of the second sequence keeps four slots of two shared pages: one new page, nothing freed.
  expect(log.mock.calls).toEqual([
    [Int32Array.of(0, 1, 6, 7), 4, { free: 51, owned: 13, cached: 0, total: 64 }],
  ]);
});
