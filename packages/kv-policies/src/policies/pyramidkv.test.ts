import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyOptions } from "../options.ts";
import { attentionSignals, keptBy, needsOf, sampleAttention, sampleHead } from "../sample-attention.ts";
import { generator } from "../sample-signals.ts";
import { SIGNALS } from "../signals.ts";
import { pyramidkv } from "./pyramidkv.ts";
import { snapkv } from "./snapkv.ts";

/** The budgets of all layers at the end of a prompt of `seen` tokens. */
async function budgets(layers: number, seen: number, options: PolicyOptions): Promise<number[]> {
  const environment = { layers, heads: 2, pageTokens: 4, signals: SIGNALS };
  const policy = createPolicy(pyramidkv, options, environment);
  const signals = async () => ({ attentionRecent: new Float32Array(seen) });
  const { shares } = await policy.allocate({ seen, resident: () => seen, signals });
  return Array.from({ length: layers }, (_, layer) =>
    policy.budget({ layer, seen, share: shares[layer * 2]! }),
  );
}

describe("pyramidkv", () => {
  it("divides the budget as the authors' code does, in fractions of slots", async () => {
    const random = generator(5);
    const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
    for (let i = 0; i < 200; i++) {
      const [layers, sinks, recent] = [whole(2, 32), whole(0, 4), whole(1, 32)];
      const guarded = sinks + recent; // where the code has its window
      const seen = guarded + whole(50, 3000);
      const budget = guarded + whole(4, seen - guarded - 1);
      const beta = [20, 1, 5, 1000][i % 4]!;

      const capacity = budget - guarded;
      let least = capacity / beta;
      let most = capacity * 2 - least;
      if (most >= seen - guarded) {
        most = seen - guarded;
        least = capacity * 2 - most;
      }
      const step = (most - least) / (layers - 1);
      const found = await budgets(layers, seen, { budget, sinks, recent, beta });
      found.forEach((slots, layer) => {
        const exact = Math.max(most - layer * step + guarded, 4);
        expect(slots).toBeGreaterThan(exact - 0.01);
        expect(slots).toBeLessThan(exact + 1.01);
      });
      const sum = found.reduce((a, b) => a + b);
      expect(sum).toBeLessThan(layers * (budget + 1) + 4);
    }
  });

  it("falls from twice the mean to a twentieth of it", async () => {
    const options = { budget: 60, sinks: 4, recent: 16 };
    // 40 beyond the guards: from 78 to 2 in steps of 19.
    expect(await budgets(5, 1000, options)).toEqual([98, 79, 60, 41, 22]);
    // There are no more than 70 of them: from 50 to 30.
    expect(await budgets(5, 70, options)).toEqual([70, 65, 60, 55, 50]);
    // The three layers that are left have 78, 40 and 2.
    expect(await budgets(5, 1000, { ...options, protectLayers: [0, -1] })).toEqual([1000, 98, 60, 22, 1000]);
    expect(await budgets(1, 1000, options)).toEqual([60]);
  });

  it("chooses as SnapKV does", () => {
    for (let seed = 0; seed < 10; seed++) {
      const head = sampleHead(seed);
      const signals = attentionSignals(sampleAttention(head, 2), head.position, 8);
      expect(keptBy(pyramidkv, head, signals)).toEqual(keptBy(snapkv, head, signals, { window: 8 }));
    }
  });

  it("asks for the attention of its window", () => {
    expect(needsOf(pyramidkv, { window: 9 }).attention).toMatchObject({
      window: 9,
      over: "group",
      reduce: "mean",
    });
  });
});
