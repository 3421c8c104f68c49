import { describe, expect, it } from "vitest";
import {
  attentionSignals,
  firstOf,
  guardedSlots,
  highestFirst,
  keptBy,
  needsOf,
  sampleAttention,
  sampleHead,
} from "../sample-attention.ts";
import { scissorhands } from "./scissorhands.ts";

describe("scissorhands", () => {
  it("keeps what was important most often in a history of queries, as plain loops do", () => {
    for (let seed = 0; seed < 60; seed++) {
      const head = sampleHead(seed);
      const { seen, resident, position } = head;
      const matrices = sampleAttention(head, 1 + (seed % 3));
      const window = [16, 1, 64, 400][seed % 4]!;
      const threshold = [1, 0.5, 1.7][seed % 3]!;
      const persistence: number[] = [];
      for (let slot = 0; slot < resident; slot++) {
        // Of the history, the steps at which the token was there, and at which it was important.
        let [steps, important] = [0, 0];
        for (let query = Math.max(seen - window, position[slot]!); query < seen; query++) {
          const visible = [...position].filter((token) => token <= query).length;
          for (const matrix of matrices) {
            steps += 1;
            if (matrix[query]![slot]! * visible >= threshold) important += 1;
          }
        }
        persistence.push(important / steps);
      }
      const wanted = [...guardedSlots(head), ...highestFirst(persistence)];
      const signals = attentionSignals(matrices, position, window, threshold);
      const kept = keptBy(scissorhands, head, signals, { window, threshold });
      expect(kept).toEqual(firstOf(wanted, head.budget));
    }
  });

  it("judges a young token by the queries that could see it", () => {
    const attentionCount = Float32Array.of(4, 1, 2, 3, 2, 1, 1);
    const position = Float32Array.of(0, 1, 2, 3, 5, 6, 7);
    const head = { ...sampleHead(0), seen: 8, resident: 7, sinks: 0, recent: 1, budget: 4 };
    // Of the last 4 queries: 4/4, 1/4, 2/4, 3/4, 2/3, 1/2 and 1/1.
    expect(keptBy(scissorhands, head, { attentionCount, position }, { window: 4 })).toEqual([0, 3, 4, 6]);
  });

  it("asks for counts of its window and threshold", () => {
    const { attention } = needsOf(scissorhands, { window: 9, threshold: 0.5 });
    expect(attention).toMatchObject({ window: 9, threshold: 0.5, over: "group", reduce: "mean" });
  });
});
