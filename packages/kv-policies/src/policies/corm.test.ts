import { describe, expect, it } from "vitest";
import {
  attentionSignals,
  keptBy,
  needsOf,
  newestFirst,
  sampleAttention,
  sampleHead,
} from "../sample-attention.ts";
import { corm } from "./corm.ts";

const pageTokens = 4;

describe("corm", () => {
  it("keeps what any of the last queries found important, as plain loops do", () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      const head = sampleHead(seed);
      const { seen, resident, position, sinks, recent } = head;
      const matrices = sampleAttention(head, 1 + (seed % 3));
      const window = [4, 1, 16, 300][seed % 4]!;
      const threshold = [1, 2.5][seed % 2]!;
      const kept = new Set(
        [...newestFirst(resident)].filter((slot) => slot < sinks || slot >= resident - recent),
      );
      for (let query = Math.max(0, seen - window); query < seen; query++) {
        const visible = position.filter((token) => token <= query).length;
        for (const matrix of matrices) {
          for (let slot = 0; slot < resident; slot++)
            if (matrix[query]![slot]! >= threshold / visible) kept.add(slot);
        }
      }
      // Fewer than a page are filled up with the newest.
      for (const slot of newestFirst(resident)) if (kept.size < pageTokens) kept.add(slot);
      sizes.add(kept.size / resident);
      const signals = attentionSignals(matrices, position, window, threshold);
      const options = { budget: 1, window, threshold };
      expect(keptBy(corm, head, signals, options)).toEqual([...kept].sort((a, b) => a - b));
    }
    expect(sizes.size).toBeGreaterThan(20);
  });

  it("keeps as many as there are, and under a ceiling those that most queries need", () => {
    const attentionCount = Float32Array.of(0, 3, 0, 0.5, 2, 0, 1, 0, 0, 0);
    const head = { ...sampleHead(0), seen: 10, resident: 10, sinks: 1, recent: 2 };
    expect(keptBy(corm, head, { attentionCount }, { budget: 1 })).toEqual([0, 1, 3, 4, 6, 8, 9]);
    expect(keptBy(corm, head, { attentionCount }, { budget: 5 })).toEqual([0, 1, 4, 8, 9]);
    expect(keptBy(corm, head, { attentionCount: new Float32Array(10) }, { budget: 1 })).toEqual([0, 7, 8, 9]);
  });

  it("asks for counts of its window and threshold", () => {
    const { attention } = needsOf(corm, { window: 9, threshold: 0.5 });
    expect(attention).toMatchObject({ window: 9, threshold: 0.5, over: "group", reduce: "mean" });
  });
});
