import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import { codeBlocks } from "../../../.vitest/readme.ts";
import { policyChecks } from "../src/conformance.ts";
import type { PolicyDefinition } from "../src/index.ts";

const folder = await mkdtemp(join(tmpdir(), "kv-policies-documentation-"));
afterAll(() => rm(folder, { recursive: true }));

const blocksOf = (page: string) => codeBlocks(fileURLToPath(new URL(page, import.meta.url)), "ts");

/** Runs code as a module and returns what it logged and exports. */
async function run(name: string, code: string) {
  const source = (file: string) => JSON.stringify(fileURLToPath(new URL(`../src/${file}`, import.meta.url)));
  const file = join(folder, `${name}.ts`);
  const resolved = code
    .replaceAll('"@kvasir/kv-policies"', source("index.ts"))
    .replaceAll('"@kvasir/kv-policies/conformance"', source("conformance.ts"));
  await writeFile(file, resolved);
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const exported: Record<string, PolicyDefinition> = await import(pathToFileURL(file).href);
  const printed = log.mock.calls.flat();
  log.mockRestore();
  return { printed, exported };
}

it("the example of the README runs and prints what it says", async () => {
  const [example] = blocksOf("../README.md");
  expect((await run("readme", example!)).printed).toEqual([true, Int32Array.of(0, 3, 5, 7)]);
});

// The page's blocks are one module; its second hands the conformance checks to `it`.
const checks: [string, () => void | Promise<void>][] = [];
vi.stubGlobal("it", (name: string, check: () => void | Promise<void>) => checks.push([name, check]));
const { printed, exported } = await run(
  "write-a-policy",
  blocksOf("../../../docs/write-a-policy.md").join("\n"),
);
vi.unstubAllGlobals();

describe("the policies of docs/write-a-policy.md", () => {
  it("are given to the whole conformance suite and used as the page says", () => {
    expect(checks).toHaveLength(11);
    expect(printed).toEqual([
      true,
      32,
      "adaptive+per-layer(full x2, low-norm x6)>random-sample",
      ["position"],
    ]);
  });
  it.each(checks)("%s", (_, check) => check());

  const others = Object.values(exported).filter(({ name }) => name !== "random-sample");
  it("define two more", () => expect(others).toHaveLength(2));
  describe.each(others)("$name", (definition) => {
    for (const { name, run } of policyChecks(definition)) it(name, run);
  });
});
