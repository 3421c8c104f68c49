import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import { firstOf, guardedSlots, highestFirst, keptBy, newestFirst, sampleHead } from "../sample-attention.ts";
import { SIGNALS } from "../signals.ts";
import { keyformer } from "./keyformer.ts";

describe("keyformer", () => {
  it("keeps the highest sums of noisy attention and recent tokens, as plain loops do", () => {
    for (let seed = 0; seed < 40; seed++) {
      const head = sampleHead(seed);
      const { random, seen, resident, position } = head;
      const noise = Array.from(position, () => -Math.log(-Math.log(random())));
      const prompt = Math.floor(seen / 2);
      // The paper's: sums over queries of softmax((x + noise) / tau), tau rising from 1 to 2 while tokens are generated.
      const sums = new Array<number>(resident).fill(0);
      const collected = new Float32Array(resident);
      for (let query = 0; query < seen; query++) {
        const tau = query < prompt ? 1 : 1 + (query - prompt + 1) / (seen - prompt);
        const weights = noise.map((zeta, slot) =>
          position[slot]! <= query ? Math.exp((random() * 5 + zeta) / tau) : 0,
        );
        const total = weights.reduce((a, b) => a + b);
        weights.forEach((weight, slot) => {
          sums[slot]! += weight / total;
          collected[slot]! += weight / total;
        });
      }
      const recentShare = [0.3, 0, 0.5][seed % 3]!;
      const wanted = [
        ...guardedSlots(head),
        ...newestFirst(resident).slice(0, Math.floor(head.budget * recentShare)),
        ...highestFirst(sums),
      ];
      const kept = keptBy(keyformer, head, { attentionSum: collected }, { recentShare });
      expect(kept).toEqual(firstOf(wanted, head.budget));
    }
  });

  it("keeps three recent tokens of ten, and seven others", () => {
    const attentionSum = Float32Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0);
    const head = { ...sampleHead(0), seen: 12, resident: 12, sinks: 0, recent: 1, budget: 10 };
    expect(keptBy(keyformer, head, { attentionSum })).toEqual([0, 1, 2, 3, 4, 5, 6, 9, 10, 11]);
  });

  it("asks for noise of its seed and a rising temperature", () => {
    const environment = { layers: 1, heads: 1, pageTokens: 4, signals: SIGNALS };
    const collects = (options = {}) => createPolicy(keyformer, options, environment).collects;
    expect(collects()).toEqual({ reduce: "mean", noiseSeed: 1, temperature: [1, 2] });
    expect(collects({ seed: 7, temperature: 1.5 })).toMatchObject({ noiseSeed: 7, temperature: [1, 1.5] });
  });
});
