import { expect, test } from "vitest";
import { attentionFindings } from "./attention-findings.ts";
import type { AttentionResult, HeadMeasure } from "./measure-attention.ts";
import { poolAttention } from "./pool-attention.ts";

const head = (spearman: number, highestFirst: number, lowestFirst: number): HeadMeasure => ({
  spearman,
  pearson: spearman,
  highestFirst,
  lowestFirst,
  random: 10,
});
/** Three texts of three layers with one head; correlations differ a little from text to text. */
const result = (layers: readonly HeadMeasure[]): AttentionResult => ({
  sources: layers.map((_, i) => i),
  texts: [0, 0.01, 0.02].map((more) => layers.map((one) => [{ ...one, spearman: one.spearman + more }])),
});
const findings = (layers: readonly HeadMeasure[]) =>
  attentionFindings("tiny", poolAttention([result(layers)])).join("\n");

test("a model as the paper's is said to agree", () => {
  const text = findings([head(-0.1, 9, 11), head(-0.1, 8, 12), head(-0.8, 1, 20)]);
  expect(text).toContain("agrees with the paper: low norm goes with much attention");
  expect(text).toContain("negative in 3 of 3 heads");
  expect(text).toContain("The paper's order is the better one");
  expect(text).toContain("as a multiple of chance: 0 (9.0, 0.90), 1 (8.0, 0.80), 2 (1.0, 0.10)");
  expect(text).toContain(
    "Y 8.5 on average, the others 1.0, so the paper's order is worst there, which agrees",
  );
  expect(text).toContain("15 % from chance, the others 90 %, so norms say least there, which agrees");
});

test("a model that is the other way round is said to be so", () => {
  const text = findings([head(0.5, 12, 2), head(0.6, 13, 3), head(0.8, 19, 1)]);
  expect(text).toContain("the opposite of the paper");
  expect(text).toContain("The paper's order is the worse one");
  expect(text).toContain("not worst there, which does not agree");
  expect(text).toContain("25 % from chance, the others 90 %");
});

test("one text bounds nothing, so no direction is claimed", () => {
  const one = result([head(-0.5, 1, 2)]);
  const [first] = attentionFindings("tiny", poolAttention([{ ...one, texts: one.texts.slice(0, 1) }]));
  expect(first).toContain("no direction in common");
});

test("texts of several parts are pooled", () => {
  const { texts, heads } = poolAttention([result([head(0.1, 4, 1)]), result([head(0.3, 8, 1)])]);
  expect(texts.length).toBe(6);
  expect(heads[0]![0]!.highestFirst).toBe(6);
});
