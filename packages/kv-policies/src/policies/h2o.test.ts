import { describe, expect, it } from "vitest";
import {
  attentionSignals,
  firstOf,
  guardedSlots,
  highestFirst,
  keptBy,
  newestFirst,
  sampleAttention,
  sampleHead,
} from "../sample-attention.ts";
import { h2o } from "./h2o.ts";

describe("h2o", () => {
  it.each([false, true])(
    "keeps heavy hitters and recent tokens as plain loops do, normalise: %s",
    (normalise) => {
      for (let seed = 0; seed < 40; seed++) {
        const head = sampleHead(seed);
        const matrices = sampleAttention(head, 1 + (seed % 3));
        const recentShare = [0.5, 0, 0.3, 1][seed % 4]!;
        const received: number[] = [];
        for (let slot = 0; slot < head.resident; slot++) {
          const column = matrices.flatMap((matrix) => matrix.map((row) => row[slot]!));
          // Rows of tokens before the slot's own are zero: what is left is the number that could see it.
          const able = column.filter((share) => share > 0).length;
          received.push(column.reduce((sum, share) => sum + share, 0) / (normalise ? able : 1));
        }
        const recent = newestFirst(head.resident).slice(0, Math.floor(head.budget * recentShare));
        const expected = firstOf([...guardedSlots(head), ...recent, ...highestFirst(received)], head.budget);
        const signals = attentionSignals(matrices, head.position, 32);
        expect(keptBy(h2o, head, signals, { recentShare, normalise })).toEqual(expected);
      }
    },
  );

  it("has half of its budget for each", () => {
    const attentionSum = Float32Array.of(1, 9, 2, 8, 3, 7, 4, 0, 0, 0);
    const signals = { attentionSum, position: attentionSum.map((_, slot) => slot) };
    const head = { ...sampleHead(0), seen: 10, resident: 10, sinks: 0, recent: 1, budget: 6 };
    expect(keptBy(h2o, head, signals)).toEqual([1, 3, 5, 7, 8, 9]);
    expect(keptBy(h2o, head, signals, { sinks: 1 })).toEqual([0, 1, 3, 7, 8, 9]);
  });

  it("judges by the queries that could see a token, when told", () => {
    // Received per query: 0.5, 0.75, 0.6, 0.25, 0.5 and 1.
    const attentionSum = Float32Array.of(3, 3.75, 2.4, 0.75, 1, 1);
    const signals = { attentionSum, position: attentionSum.map((_, slot) => slot) };
    const head = { ...sampleHead(0), seen: 6, resident: 6, sinks: 0, recent: 1, budget: 4 };
    const options = { recentShare: 0, normalise: true };
    expect(keptBy(h2o, head, signals, options)).toEqual([1, 2, 4, 5]);
    expect(keptBy(h2o, head, signals, { recentShare: 0 })).toEqual([0, 1, 2, 5]);
  });
});
