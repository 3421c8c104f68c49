import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { decodeSavedPart, encodeSavedPart } from "./saved-part.ts";
import { SavedParts } from "./saved-parts.ts";

const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-saved-parts-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let files = 0;
const newFile = () => path.join(scratch, `folder-${files++}`, "parts.jsonl");
const circumstances = {
  ...{ shape: "15m", seed: 1, version: "1.2.3" },
  machine: { cpu: "a cpu", processors: 2, device: "cpu avx2, 2 threads" },
};
const part = { ...circumstances, figure: "f", key: "k", date: "2026-01-01T00:00:00.000Z", seconds: 2 };

async function opened(file: string, other: Partial<typeof circumstances> = {}) {
  const warnings: string[] = [];
  const saved = await SavedParts.open(file, { ...circumstances, ...other }, (warning) =>
    warnings.push(warning),
  );
  return { saved, warnings };
}

test("what is added is there for the next run, the last of several counts, and nothing else does", async () => {
  const file = newFile();
  const { saved } = await opened(file);
  await saved.add("f", "k", 2, { a: [1, null, "x"] });
  await saved.add("f", "k2", 3, 1);
  await saved.add("f", "k2", 4, 2);
  expect(saved.find("f", "k2")?.result).toBe(2);
  const { saved: again, warnings } = await opened(file);
  expect(again.find("f", "k")).toMatchObject({ ...circumstances, seconds: 2, result: { a: [1, null, "x"] } });
  expect(again.find("f", "k2")).toMatchObject({ seconds: 4, result: 2 });
  expect(again.find("g", "k")).toBeUndefined();
  expect(warnings).toEqual([]);
});

test.each([
  { shape: "125m" },
  { seed: 2 },
  { version: "1.2.4" },
  { machine: { ...circumstances.machine, cpu: "another" } },
  { machine: { ...circumstances.machine, processors: 4 } },
  { machine: { ...circumstances.machine, device: "cpu avx2, 1 threads" } },
])("a part of other circumstances does not count, and stays: %j", async (other) => {
  const file = newFile();
  await (await opened(file)).saved.add("f", "k", 2, 1);
  const { saved, warnings } = await opened(file, other);
  expect(saved.find("f", "k")).toBeUndefined();
  expect(warnings).toEqual([]);
  await saved.add("f", "k", 2, 7);
  expect((await opened(file)).saved.find("f", "k")?.result).toBe(1);
});

const good = encodeSavedPart({ ...part, result: 5 }).trim();
const resigned = (change: object) => encodeSavedPart({ ...part, result: 5, ...change } as never).trim();

test.each([
  ["torn", good.slice(0, -10), /not JSON/],
  ["altered", good.replace('"result":5', '"result":6'), /checksum/],
  ["with a field more", good.replace("{", '{"more":1,'), /checksum/],
  ["another document", '{"format":"kvasir-quality"}', /not a saved part/],
  ["no document", "null", /not a saved part/],
  ["a list", "[1]", /not a saved part/],
  ["of another version", good.replace('"formatVersion":1', '"formatVersion":2'), /formatVersion: expected 1/],
  ["with a seed that is none", resigned({ seed: "1" }), /another type/],
  ["with negative seconds", resigned({ seconds: -1 }), /another type/],
  ["without a result", resigned({ result: undefined }), /another type/],
  ["without a machine's processors", resigned({ machine: { cpu: "", device: "" } }), /another type/],
  ["of many brackets", "[".repeat(200_000), /not JSON/],
  ["not of text", "\u0000\uFFFD\u0000", /not JSON/],
])("a line that is %s is ignored with a warning that names it", async (_, line, problem) => {
  const file = newFile();
  mkdirSync(path.dirname(file));
  const before = encodeSavedPart({ ...part, key: "before", result: 1 });
  const after = encodeSavedPart({ ...part, key: "after", result: 2 });
  writeFileSync(file, `${before}${line}\n${after}`);
  const { saved, warnings } = await opened(file);
  expect(warnings).toEqual([expect.stringMatching(/parts\.jsonl, line 2: .*counts as not measured/)]);
  expect(warnings[0]).toMatch(problem);
  expect(saved.find("f", "k")).toBeUndefined();
  expect(["before", "after"].map((key) => saved.find("f", key)?.result)).toEqual([1, 2]);
});

test("a line that an interruption tore does not take the next one with it", async () => {
  const file = newFile();
  mkdirSync(path.dirname(file));
  writeFileSync(file, good.slice(0, 50));
  const { saved } = await opened(file);
  await saved.add("f", "k", 2, 9);
  const { saved: again, warnings } = await opened(file);
  expect(again.find("f", "k")?.result).toBe(9);
  expect(warnings).toHaveLength(1);
});

test("forgetting figures leaves the others, of whatever circumstances", async () => {
  const file = newFile();
  const { saved } = await opened(file);
  await saved.add("f", "k", 2, 1);
  await saved.add("g", "k", 2, 2);
  await (await opened(file, { seed: 2 })).saved.add("g", "k", 2, 3);
  await saved.forget(["f"]);
  expect(saved.find("f", "k")).toBeUndefined();
  expect((await opened(file)).saved.find("f", "k")).toBeUndefined();
  expect((await opened(file)).saved.find("g", "k")?.result).toBe(2);
  expect((await opened(file, { seed: 2 })).saved.find("g", "k")?.result).toBe(3);
  expect(readFileSync(file, "utf8").split("\n")).toHaveLength(3);
});

test("what is no file of saved parts is refused by name", async () => {
  await expect(opened(scratch)).rejects.toThrow(`${scratch}: expected a file of saved parts`);
  await expect(opened("/dev/null")).rejects.toThrow("/dev/null: expected a file of saved parts");
  await expect(opened(path.join(newFile(), "..", "\0"))).rejects.toThrow(/null bytes/);
});

test("without a file, parts are only known to this run", async () => {
  const saved = SavedParts.none(circumstances);
  await saved.add("f", "k", 2, 1);
  expect(saved.find("f", "k")?.result).toBe(1);
  await saved.forget(["f"]);
  expect(saved.find("f", "k")).toBeUndefined();
});

test("a line is read as it was written, whatever the strings in it", () => {
  const odd = { ...part, key: '"\n\\\u2028😀', result: { __proto__: null, "": { "10": 1, a: 2 } } };
  expect(decodeSavedPart(encodeSavedPart(odd))).toMatchObject({ key: odd.key, result: { "": { a: 2 } } });
});
