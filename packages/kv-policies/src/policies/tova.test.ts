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
import { tova } from "./tova.ts";

describe("tova", () => {
  it("drops what the last query attends to least, one after the other, as plain loops do", () => {
    for (let seed = 0; seed < 40; seed++) {
      const head = sampleHead(seed);
      const matrices = sampleAttention(head, 1 + (seed % 6)); // all heads of the layer
      const paid = Array.from(head.position, (_, slot) =>
        matrices.reduce((sum, matrix) => sum + matrix[head.seen - 1]![slot]!, 0),
      );
      const guarded = new Set(guardedSlots(head));
      let left = Array.from(head.position.keys());
      while (left.length > head.budget) {
        const open = left.filter((slot) => !guarded.has(slot));
        const least = open.reduce((a, b) => (paid[b]! < paid[a]! ? b : a));
        left = left.filter((slot) => slot !== least);
      }
      const signals = attentionSignals(matrices, head.position, 32);
      expect(keptBy(tova, head, signals)).toEqual(left);
      expect(left).toEqual(firstOf([...guarded, ...highestFirst(paid)], head.budget));
    }
  });

  it("keeps what the newest query attends to, in all heads of a layer", () => {
    const attentionLast = Float32Array.of(0.2, 0.05, 0.3, 0.1, 0.15, 0.1, 0.1);
    const head = { ...sampleHead(0), seen: 7, resident: 7, sinks: 0, recent: 1, budget: 4 };
    expect(keptBy(tova, head, { attentionLast })).toEqual([0, 2, 4, 6]);
    const { signals, attention } = needsOf(tova);
    expect([signals, attention.over]).toEqual([["attentionLast"], "layer"]);
  });
});
