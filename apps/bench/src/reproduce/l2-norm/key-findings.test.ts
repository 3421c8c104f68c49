import { expect, test } from "vitest";
import { skipFindings, skipTable } from "../l2-needle/skip-table.ts";
import { keyFindings } from "./key-findings.ts";
import type { NeedleRun } from "./needle-result.ts";
import { poolKeys } from "./pool-keys.ts";

const prompts = 40;
const places = Array.from({ length: prompts }, () => ({ length: 256, depth: 0.5 }));
const runOf = (
  policy: string,
  found: number,
  protectLayers: readonly number[] = [],
  budget = 0.1,
): NeedleRun => ({
  policy,
  budget,
  protectLayers,
  found: Array.from({ length: prompts }, (_, i) => i < found),
});
const rowsOf = (runs: readonly NeedleRun[]) =>
  poolKeys([{ places, runs: [{ ...runOf("full", 40), budget: 1 }, ...runs] }]).rows;
const findingsOf = (norm: number, random: number, highest: number) =>
  keyFindings(rowsOf([runOf("random", random), runOf("l2-norm", norm), runOf("highest-norm", highest)]), {
    share: 0.1,
    says: "100 %",
  }).join("\n");

test("what the paper finds is said to agree", () => {
  const text = findingsOf(40, 10, 0);
  expect(text).toContain("which agrees with the paper's 100 %");
  expect(text).toContain("Low norm is what to keep");
});

test("the opposite is said not to", () => {
  const text = findingsOf(0, 10, 40);
  expect(text).toContain("does not agree");
  expect(text).toContain("has a high norm, the opposite of what the paper finds");
});

test("where everything is found, nothing is said of the policies", () => {
  const text = findingsOf(40, 40, 40);
  expect(text).toContain("as in the paper (100 %), but random does not find less");
  expect(text).toContain("does not tell the policies apart");
});

test("where nothing is found, neither end beats chance", () => {
  expect(findingsOf(0, 0, 0)).toContain("Neither end of the norms is better than chance");
});

test("the ablation is shown beside what was published", () => {
  const rows = rowsOf([
    runOf("l2-norm", 2, [], 0.7),
    runOf("l2-norm", 40, [0, 1], 0.7),
    runOf("l2-norm", 10, [0], 0.7),
  ]);
  expect(skipTable(rows)?.rows.map(([skipped, , , other]) => [skipped, other])).toEqual([
    ["no layer skipped", "0.639"],
    ["layer 0 skipped", "0.480"],
    ["layers 0,1 skipped", "0.616"],
  ]);
  const text = skipFindings(rows).join("\n");
  expect(text).toContain("Skipping layers 0 and 1 helps");
  expect(text).toContain("less than both, which agrees");
  expect(skipTable(rowsOf([]))).toBeUndefined();
});

test("prompts of one length alone are counted where that is asked for", () => {
  const twoLengths = [256, 512, 512].map((length) => ({ length, depth: 0.5 }));
  const full: NeedleRun = { policy: "full", budget: 1, protectLayers: [], found: [true, false, true] };
  const results = [
    { places: twoLengths, runs: [full] },
    { places: twoLengths, runs: [{ ...full, found: [true, true, true] }] },
  ];
  const found = (length: number) =>
    poolKeys(results, (place) => place.length === length).rows.map(({ accuracy }) => [
      accuracy.value,
      accuracy.n,
    ]);
  expect(found(256)).toEqual([[1, 2]]);
  expect(found(512)).toEqual([[0.75, 4]]);
});
