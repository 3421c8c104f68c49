import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import { guardedSlots, keptBy, sampleHead } from "../sample-attention.ts";
import { SIGNALS } from "../signals.ts";
import { l2Norm } from "./l2-norm.ts";

describe("l2-norm", () => {
  it("drops the key of highest norm, one after the other, as plain loops do", () => {
    for (let seed = 0; seed < 60; seed++) {
      const head = sampleHead(seed);
      const dim = [64, 1, 3, 128][seed % 4]!;
      const scale = [1, 1e-20, 1e18][seed % 3]!;
      const norms: number[] = [];
      for (let slot = 0; slot < head.resident; slot++) {
        let squares = 0;
        for (let c = 0; c < dim; c++) squares += (scale * (head.random() - 0.5)) ** 2;
        norms.push(Math.sqrt(squares));
      }
      const guarded = new Set(guardedSlots(head));
      const left = norms.map((norm, slot) => ({ norm, slot }));
      while (left.length > head.budget) {
        const open = left.filter(({ slot }) => !guarded.has(slot));
        left.splice(left.indexOf(open.reduce((a, b) => (b.norm > a.norm ? b : a))), 1);
      }
      const keyNorm = Float32Array.from(norms);
      expect(keptBy(l2Norm, head, { keyNorm }, { protectLayers: [] })).toEqual(left.map(({ slot }) => slot));
    }
  });

  it("keeps low norms, and of equal ones the newer", () => {
    const head = { ...sampleHead(0), seen: 8, resident: 8, sinks: 0, recent: 1, budget: 4 };
    const keyNorm = Float32Array.of(0.5, 3, 2, 9, 2, 2, 1, 40);
    const kept = () => keptBy(l2Norm, head, { keyNorm }, { protectLayers: [] });
    expect(kept()).toEqual([0, 5, 6, 7]);
    keyNorm.fill(Number.POSITIVE_INFINITY, 0, 3);
    expect(kept()).toEqual([4, 5, 6, 7]);
  });

  it("spares two layers and 64 recent tokens unless told, and keeps half", () => {
    const policy = createPolicy(l2Norm, {}, { layers: 3, heads: 1, pageTokens: 16, signals: SIGNALS });
    const keyNorm = new Float32Array(200).map((_, slot) => slot); // rising: the recent ones would be the first to go
    const place = { head: 0, phase: "prefill", seen: 200, resident: 200, signals: { keyNorm } } as const;
    for (const layer of [0, 1]) expect(policy.select({ ...place, layer })).toHaveLength(200);
    const slots = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
    expect([...policy.select({ ...place, layer: 2 })]).toEqual([...slots(0, 36), ...slots(136, 64)]);
  });
});
