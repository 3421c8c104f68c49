import { openDevice } from "@kvasir/kernels";
import { afterAll, expect, test } from "vitest";
import { reproduceShapes } from "../reproduce-shape.ts";
import {
  type ConvergenceSizes,
  convergenceParts,
  convergenceSizes,
  curveKey,
  equalityKey,
} from "./convergence-parts.ts";
import {
  type ConvergenceResult,
  type MeasuredModel,
  passBelow,
  passesWithin,
  plainModels,
  scaledModels,
  trainedModel,
} from "./convergence-result.ts";
import { lckvConvergence } from "./lckv-convergence.ts";

const device = openDevice({ onWarning: () => {} });
afterAll(() => device.dispose());

const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
const { signal } = new AbortController();

const small: ConvergenceSizes = {
  curve: { random: 6, trained: 24 },
  equality: { random: 3, trained: 20 },
  passes: { scaled: 3, others: 4 },
  logitPasses: [1, 4],
};

test("a curve and an equality of a random and of the trained model", async () => {
  const parts = convergenceParts(settings, small);
  const measure = async (key: string) => {
    const part = parts.find((one) => one.key === key)!;
    return await part.measure({ settings, signal, onProgress: () => {} });
  };
  for (const model of [trainedModel, scaledModels[2]]) {
    const curve = await measure(curveKey(settings, small, model));
    expect(curve).toMatchObject({ kind: "curve", tokens: model.trained ? 24 : 6 });
    if (curve.kind !== "curve") continue;
    expect(curve.changes).toHaveLength(model.trained ? 4 : 3);
    expect(curve.changes.every((change, i) => i === 0 || change < curve.changes[i - 1]!)).toBe(true);
  }
  // 3 tokens are exact after 3 passes.
  const equality = await measure(equalityKey(settings, small, plainModels[1]));
  expect(equality).toMatchObject({ kind: "equality", tokens: 3, logits: [{ passes: 1 }, { passes: 4 }] });
  if (equality.kind !== "equality") return;
  expect(equality.kv[0]).toBeGreaterThan(1e-3);
  expect(equality.kv[2]).toBeLessThan(1e-4);
  expect(equality.logits[1]!.difference).toBeLessThan(1e-4);
});

test("parts have keys of their own, and stop when they are told to", async () => {
  const parts = convergenceParts(settings);
  expect(new Set(parts.map(({ key }) => key)).size).toBe(parts.length);
  const aborted = AbortSignal.abort(new Error("enough"));
  for (const part of parts) {
    await expect(part.measure({ settings, signal: aborted, onProgress: () => {} })).rejects.toThrow("enough");
  }
});

const curve = (changes: number[]): ConvergenceResult => ({ kind: "curve", tokens: 2048, changes });
const keyOf = (model: MeasuredModel) => curveKey(settings, convergenceSizes, model);
const shrinking = (length: number, factor: number) => Array.from({ length }, (_, i) => factor ** i);

test("findings follow what was measured", () => {
  const section = (results: Record<string, ConvergenceResult>) =>
    lckvConvergence.section(new Map(Object.entries(results)), settings);
  const agreeing = section({
    [keyOf(plainModels[0])]: curve(shrinking(12, 0.5)),
    [keyOf(plainModels[1])]: curve(shrinking(12, 0.2)),
    [keyOf(trainedModel)]: curve(shrinking(30, 0.1)),
    [equalityKey(settings, convergenceSizes, trainedModel)]: {
      kind: "equality",
      tokens: 512,
      kv: shrinking(30, 0.2),
      logits: [
        { passes: 9, difference: 1e-2 },
        { passes: 20, difference: 1e-5 },
      ],
    },
  }).findings.join("\n");
  expect(agreeing).toContain("w = 0: the change does not fall below 1.0e-5 of the first change in 12 passes");
  expect(agreeing).toContain(
    "w = 2: the change falls below 1.0e-5 of the first change in pass 9, within the 9 passes",
  );
  expect(agreeing).toContain("converge faster, as the paper says");
  expect(agreeing).toContain("needs fewer passes than random (deviation 0.02), w = 2 (7 passes against 9)");
  expect(agreeing).toContain("within 1.0e-4 from pass 7 on");
  expect(agreeing).toContain("With the paper's 9 they differ by 1.0e-2.");
  expect(agreeing).toContain("equals sequential encoding, as theorem 1 has it");

  const disagreeing = section({
    [keyOf(plainModels[0])]: curve(shrinking(12, 0.1)),
    [keyOf(plainModels[1])]: curve(shrinking(12, 0.2)),
    [keyOf(trainedModel)]: curve(shrinking(30, 0.9)),
    [equalityKey(settings, convergenceSizes, trainedModel)]: {
      kind: "equality",
      tokens: 512,
      kv: shrinking(30, 0.9),
      logits: [{ passes: 30, difference: 0.1 }],
    },
  }).findings.join("\n");
  expect(disagreeing).toContain("do not converge faster in every case here");
  expect(disagreeing).toContain("does not need fewer passes than random");
  expect(disagreeing).toContain("do not come within 1.0e-4 in 30 passes");
  expect(disagreeing).toContain("Logits do not come that near in 30");
});

test("a change of 0 has no place on a logarithmic axis, and what was not measured is named", () => {
  const results = new Map([[keyOf(plainModels[0]), curve([...shrinking(29, 0.5), 0])]]);
  const { blocks, missing } = lckvConvergence.section(results, settings);
  const [lines] = blocks;
  expect(lines).toMatchObject({ kind: "lines", series: [{ name: plainModels[0].name }] });
  if (lines?.kind === "lines") expect(lines.series[0]!.points).toHaveLength(29);
  expect(missing.join()).toContain("30 passes of random (deviation 0.02), w = 2");
  expect(missing.join()).toContain("12 passes of random (1/sqrt(inputs)), w = 2");
  expect(missing.join()).not.toContain("passes of random (deviation 0.02), w = 0");
  expect(lckvConvergence.section(new Map(), settings)).toMatchObject({ blocks: [], findings: [] });
});

test("where a bound is met, counted from the end", () => {
  expect(passesWithin([1, 1e-5, 1, 1e-5, 1e-6], 1e-4)).toBe(4);
  expect(passesWithin([1e-5], 1e-4)).toBe(1);
  expect(passesWithin([1e-5, Number.NaN], 1e-4)).toBeUndefined();
  expect(passBelow({ kind: "curve", tokens: 1, changes: [2, 1, 0.1] }, 0.1)).toBe(3);
});
