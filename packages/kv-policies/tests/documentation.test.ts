import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import { codeBlocks } from "../../../.vitest/readme.ts";

const folder = await mkdtemp(join(tmpdir(), "kv-policies-documentation-"));
afterAll(() => rm(folder, { recursive: true }));

const blocksOf = (page: string) => codeBlocks(fileURLToPath(new URL(page, import.meta.url)), "ts");

/** Runs code as a module and returns what it logged. */
async function run(name: string, code: string): Promise<unknown[]> {
  const source = (file: string) => JSON.stringify(fileURLToPath(new URL(`../src/${file}`, import.meta.url)));
  const file = join(folder, `${name}.ts`);
  const resolved = code
    .replaceAll('"@kvasir/kv-policies"', source("index.ts"))
    .replaceAll('"@kvasir/kv-policies/conformance"', source("conformance.ts"));
  await writeFile(file, resolved);
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import(pathToFileURL(file).href);
  const printed = log.mock.calls.flat();
  log.mockRestore();
  return printed;
}

it("the example of the README runs and prints what it says", async () => {
  const [example] = blocksOf("../README.md");
  expect(await run("readme", example!)).toEqual([true, Int32Array.of(0, 3, 5, 7)]);
});

// The page's last block prints; its second hands the conformance checks to `it`.
const checks: [string, () => void | Promise<void>][] = [];
vi.stubGlobal("it", (name: string, check: () => void | Promise<void>) => checks.push([name, check]));
const printed = await run("write-a-policy", blocksOf("../../../docs/write-a-policy.md").join("\n"));
vi.unstubAllGlobals();

describe("the policy of docs/write-a-policy.md", () => {
  it("is given to the whole conformance suite and used as the page says", () => {
    expect(checks).toHaveLength(11);
    expect(printed).toEqual([32]);
  });
  it.each(checks)("%s", (_, check) => check());
});
