import { openDevice } from "@kvasir/runtime";
import { expect, test } from "vitest";
import { reproduceShapes } from "../reproduce-shape.ts";
import { l2Lm } from "./l2-lm.ts";
import { lmFindings } from "./lm-findings.ts";
import type { LmResult, LmRun } from "./lm-result.ts";
import { poolLm } from "./pool-lm.ts";

/** Four windows, each with about this loss more than the full cache's 3. */
const runOf = (
  policy: string,
  budget: number,
  more: number,
  protectLayers: readonly number[] = [],
): LmRun => ({
  policy,
  budget,
  protectLayers,
  losses: [0, 1, 2, 3].map((i) => 3 + i / 10 + more + i * more * 1e-3),
  residentTokens: [100, 100, 100, 100].map((tokens) => tokens * budget),
});
const findingsOf = (runs: readonly LmRun[]) =>
  lmFindings(poolLm([{ prompt: 1, tokens: 1, runs: [runOf("full", 1, 0), ...runs] }])).join("\n");

test("what the paper finds is said to agree", () => {
  const text = findingsOf([
    runOf("random", 0.5, 0.2),
    runOf("l2-norm", 0.9, 0),
    runOf("l2-norm", 0.5, 0.001),
    runOf("l2-norm", 0.1, 0.5),
    runOf("highest-norm", 0.5, 0.9),
  ]);
  expect(text).toContain("1.001 [1.001, 1.001] times the full cache's perplexity, which agrees");
  expect(text).toContain("l2-norm costs 1 % or less, or not surely more, down to 50 %.");
  expect(text).toContain("highest-norm costs more than 1 % at every share measured, 50 % included.");
  expect(text).toContain("l2-norm is better than random and highest-norm worse than it. Both agree");
});

test("the opposite is said not to, and which end of the norms is the one to keep", () => {
  const text = findingsOf([
    runOf("random", 0.5, 0.2),
    runOf("l2-norm", 0.5, 0.4),
    runOf("highest-norm", 0.5, 0.01),
    runOf("l2-norm", 0.5, 0.3, [0, 1]),
  ]);
  expect(text).toContain("does not agree with the paper");
  expect(text).toContain(
    "l2-norm is worse than random and highest-norm better than it. That is the paper's order turned round",
  );
  expect(text).toMatch(/With layers 0,1 skipped, .* 1\.35\d \[.*\] times .* in place of 1\.49/);
});

test("one part is enough for a section", () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const parts = l2Lm.parts(settings);
  expect(new Set(parts.map(({ key }) => key)).size).toBe(parts.length);
  expect(l2Lm.section(new Map(), settings)).toMatchObject({ blocks: [], findings: [] });
  const result: LmResult = {
    prompt: 1,
    tokens: 1,
    runs: [runOf("full", 1, 0), runOf("random", 0.5, 0.2), runOf("l2-norm", 0.5, 0.1)],
  };
  const section = l2Lm.section(new Map([[parts[0]!.key, result]]), settings);
  expect(section.blocks.map(({ kind }) => kind)).toEqual(["lines", "table"]);
  const [lines] = section.blocks;
  expect(lines?.kind === "lines" && lines.series.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
    "l2-norm, no layer skipped: measured",
    "random, no layer skipped: measured",
    "Devoto et al., models of 7 and 8 billion weights: no impact: published",
  ]);
});
