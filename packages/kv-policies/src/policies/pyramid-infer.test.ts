import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyOptions } from "../options.ts";
import {
  attentionSignals,
  firstOf,
  guardedSlots,
  highestFirst,
  keptBy,
  needsOf,
  newestFirst,
  sampleAttention,
  sampleHead,
} from "../sample-attention.ts";
import { generator } from "../sample-signals.ts";
import { SIGNALS } from "../signals.ts";
import { pyramidInfer } from "./pyramid-infer.ts";

/** The budgets of all layers at the end of a prompt of `seen` tokens. */
async function budgets(layers: number, seen: number, options: PolicyOptions): Promise<number[]> {
  const environment = { layers, heads: 2, pageTokens: 4, signals: SIGNALS };
  const policy = createPolicy(pyramidInfer, options, environment);
  const signals = async () => ({ attentionRecent: new Float32Array(seen) });
  const { shares } = await policy.allocate({ seen, resident: () => seen, signals });
  return Array.from({ length: layers }, (_, layer) =>
    policy.budget({ layer, seen, share: shares[layer * 2]! }),
  );
}

describe("pyramid-infer", () => {
  it("keeps recent tokens and those that the newest queries of all heads agree on, as plain loops do", () => {
    for (let seed = 0; seed < 40; seed++) {
      const head = sampleHead(seed);
      const matrices = sampleAttention(head, 1 + (seed % 6)); // all heads of the layer
      const window = [64, 1, 10][seed % 3]!;
      const means = Array.from(head.position, () => 0);
      for (const matrix of matrices) {
        for (const row of matrix.slice(-window))
          for (const [slot, share] of row.entries()) means[slot]! += share / matrices.length;
      }
      const wanted = [
        ...guardedSlots(head),
        ...newestFirst(head.resident).slice(0, Math.floor(head.budget * 0.2)),
        ...highestFirst(means),
      ];
      const signals = attentionSignals(matrices, head.position, window);
      expect(keptBy(pyramidInfer, head, signals, { window })).toEqual(firstOf(wanted, head.budget));
    }
  });

  it("shrinks layer by layer along the paper's cosine, within what is asked for", async () => {
    const random = generator(9);
    for (let i = 0; i < 100; i++) {
      const layers = 2 + Math.floor(random() * 31);
      const decay = [0.9, 0.8, 0.3, 1][i % 4]!;
      const budget = 400;
      // A prompt of 4000 tokens, of which each layer keeps a part of what the one before kept.
      const kept: number[] = [];
      for (let layer = 0; layer < layers; layer++) {
        const ratio = ((1 - decay) * (Math.cos((Math.PI * layer) / layers) + 1)) / 2 + decay;
        kept.push((kept[layer - 1] ?? 4000) * ratio);
      }
      const mean = kept.reduce((a, b) => a + b) / layers;
      const found = await budgets(layers, 4000, { budget, sinks: 4, recent: 16, decay });
      found.forEach((slots, layer) => {
        const exact = 20 + Math.min((380 * kept[layer]!) / mean, 3980);
        expect(slots).toBeGreaterThan(exact - 0.01);
        expect(slots).toBeLessThan(exact + 1.01);
      });
    }
  });

  it("gives a layer no more than there is, and the rest to others", async () => {
    const found = await budgets(8, 100, { budget: 70, sinks: 2, recent: 8, decay: 0.5 });
    // By the cosine alone, the first three of 60 on average would have 97, 95 and 88 besides 10 guards.
    expect(found.slice(0, 4)).toEqual([100, 100, 100, 89]);
    expect(found.toSorted((a, b) => b - a)).toEqual(found);
    const sum = found.reduce((a, b) => a + b);
    expect(sum).toBeGreaterThanOrEqual(8 * 70);
    expect(sum).toBeLessThan(8 * 71);
  });

  it("keeps the same slots in all heads of a layer", () => {
    const { attention, signals } = needsOf(pyramidInfer, { window: 9 });
    expect([signals, attention.over, attention.window]).toEqual([["attentionRecent"], "layer", 9]);
  });
});
