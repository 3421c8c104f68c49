import { describe, expect, it } from "vitest";
import { firstOf, guardedSlots, highestFirst, keptBy, needsOf, sampleHead } from "../sample-attention.ts";
import { expectedAttention } from "./expected-attention.ts";

const dim = 6;

function softmax(logits: readonly number[]): number[] {
  const weights = logits.map((logit) => Math.exp(logit));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, c) => sum + x * b[c]!, 0);

describe("expected-attention", () => {
  it("keeps what plain loops over the mean and the covariance of queries keep", () => {
    for (let seed = 0; seed < 40; seed++) {
      const head = sampleHead(seed);
      const vectors = (count: number, size: number) =>
        Array.from({ length: count }, () => Array.from({ length: dim }, () => (head.random() - 0.5) * size));
      const [queries, keys, values] = [vectors(50, 4), vectors(head.resident, 4), vectors(head.resident, 2)];

      // The paper's: softmax of mu k / sqrt d + k Sigma k / 2d, with moments over queries.
      const mean = Array.from({ length: dim }, (_, c) => queries.reduce((sum, q) => sum + q[c]! / 50, 0));
      const covariance = mean.map((_, a) =>
        mean.map((_, b) => queries.reduce((s, q) => s + ((q[a]! - mean[a]!) * (q[b]! - mean[b]!)) / 50, 0)),
      );
      const expected = softmax(
        keys.map((key) => {
          const spread = dot(
            key,
            covariance.map((row) => dot(row, key)),
          );
          return dot(mean, key) / Math.sqrt(dim) + spread / (2 * dim);
        }),
      );
      const epsilon = [0, 0.02, 1][seed % 3]!;
      const added = values.map((value, slot) => (expected[slot]! + epsilon) * Math.hypot(...value));

      // The signal's: mean and variance of each query's score.
      const attentionExpected = softmax(
        keys.map((key) => {
          const scores = queries.map((query) => dot(query, key) / Math.sqrt(dim));
          const middle = scores.reduce((a, b) => a + b) / 50;
          return middle + scores.reduce((sum, score) => sum + (score - middle) ** 2, 0) / 100;
        }),
      );
      const signals = {
        attentionExpected: Float32Array.from(attentionExpected),
        valueNorm: Float32Array.from(values, (value) => Math.hypot(...value)),
      };
      const wanted = [...guardedSlots(head), ...highestFirst(added)];
      expect(keptBy(expectedAttention, head, signals, { epsilon })).toEqual(firstOf(wanted, head.budget));
    }
  });

  it("weighs attention by values", () => {
    const attentionExpected = Float32Array.of(0.1, 0.2, 0.1, 0.3, 0, 0.2, 0.1);
    const valueNorm = Float32Array.of(4, 1, 3, 2, 100, 2.5, 1);
    const head = { ...sampleHead(0), seen: 7, resident: 7, sinks: 0, recent: 1, budget: 4 };
    // Products are 0.4, 0.2, 0.3, 0.6, 0, 0.5 and 0.1; with an epsilon of 0.1, slot 4 has 10.
    expect(keptBy(expectedAttention, head, { attentionExpected, valueNorm })).toEqual([0, 3, 5, 6]);
    const options = { epsilon: 0.1 };
    expect(keptBy(expectedAttention, head, { attentionExpected, valueNorm }, options)).toEqual([0, 3, 4, 6]);
  });

  it("says how far to look back and ahead", () => {
    const { attention } = needsOf(expectedAttention, { window: 20, future: 99 });
    expect([attention.window, attention.future]).toEqual([20, 99]);
  });
});
