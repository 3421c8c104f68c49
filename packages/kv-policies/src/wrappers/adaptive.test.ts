import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import { definePolicy, type PolicyDefinition } from "../definition.ts";
import { full } from "../policies/full.ts";
import { l2Norm } from "../policies/l2-norm.ts";
import type { Policy } from "../policy.ts";
import {
  environment,
  free,
  guardsOnly,
  layerAttention,
  pyramid,
  recentAttention,
} from "../sample-policies.ts";
import { makeSignals } from "../sample-signals.ts";
import type { SignalSet } from "../signals.ts";
import { adaptive } from "./adaptive.ts";
import { perLayer } from "./per-layer.ts";

const create = (definition: PolicyDefinition, options = {}) =>
  createPolicy(definition, { ...free, ...options }, environment);

/** Budgets `[layers, heads]` after the division of `slots` slots each. */
async function budgets(
  policy: Policy,
  slots: number,
  signals: (layer: number, head: number) => Partial<SignalSet>,
) {
  const { shares } = await policy.allocate({
    seen: slots,
    resident: () => slots,
    signals: async (layer, head) => signals(layer, head),
  });
  return [...shares].map((share, i) => policy.budget({ layer: i >> 1, seen: slots, share }));
}

describe("adaptive", () => {
  it("gives a head as many slots as it has among the highest scores of its layer", async () => {
    const attention = [
      [9, 8, 7, 6, 5, 4, 1, 1, 1, 1],
      [0, 0, 0, 0, 10, 0, 3, 2, 0, 0],
    ];
    const ask = (alphaSafeguard: number, recent = 0) =>
      budgets(create(adaptive(recentAttention), { budget: 4, alphaSafeguard, recent }), 10, (_, head) => ({
        attentionRecent: Float32Array.from(attention[head]!),
      }));
    // The newest slot is guarded in any case, 3 a head are open: of the highest 6, the first head has 5.
    expect((await ask(0)).slice(0, 2)).toEqual([6, 4]);
    const policy = create(adaptive(recentAttention), { budget: 4, alphaSafeguard: 0 });
    const { shares } = await policy.allocate({
      seen: 10,
      resident: () => 10,
      signals: async (_, head) => ({ attentionRecent: Float32Array.from(attention[head]!) }),
    });
    expect([...shares.slice(0, 2)]).toEqual([expect.closeTo(6 / 4), expect.closeTo(2 / 4)]);
    expect((await ask(1)).slice(0, 2)).toEqual([4, 4]);
    expect((await ask(0.5)).slice(0, 2)).toEqual([5, 4]);
  });

  it("agrees with sorting the scores of a layer, and takes no more than an equal division", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const [slots, sinks, recent, budget] = [60 + seed, seed % 5, 3, 20];
      const alpha = (seed % 4) / 4;
      const signals = (layer: number, head: number) => {
        const made = makeSignals(["attentionRecent"], "random", slots, seed * 100 + layer * 10 + head);
        return { attentionRecent: made.attentionRecent!.map((paid) => (head ? paid * paid : paid)) };
      };
      const policy = create(adaptive(recentAttention), { budget, sinks, recent, alphaSafeguard: alpha });
      const { shares } = await policy.allocate({
        seen: slots,
        resident: () => slots,
        signals: async (layer, head) => signals(layer, head),
      });
      for (let layer = 0; layer < 4; layer++) {
        const pool: { head: number; score: number }[] = [];
        for (const head of [0, 1])
          for (let slot = sinks; slot < slots - recent; slot++)
            pool.push({ head, score: signals(layer, head).attentionRecent[slot]! });
        pool.sort((a, b) => b.score - a.score);
        const open = budget - sinks - recent;
        const winners = pool.slice(0, 2 * open).filter(({ head }) => head === 0).length;
        const expected = [winners, 2 * open - winners].map(
          (won) => (sinks + recent + won * (1 - alpha) + open * alpha) / budget,
        );
        expect([...shares.slice(layer * 2, layer * 2 + 2)]).toEqual(
          expected.map((share) => expect.closeTo(share)),
        );
      }
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(8);
    }
  });

  it("leaves each layer what the inner policy gives it", async () => {
    const policy = create(adaptive(pyramid), { budget: 20 });
    const given = await budgets(policy, 200, (layer, head) =>
      makeSignals(["keyNorm"], "random", 200, layer + head),
    );
    // Each head's part is rounded up.
    for (const [layer, slots] of [64, 48, 32, 16].entries()) {
      const sum = given[layer * 2]! + given[layer * 2 + 1]!;
      expect(sum === slots || sum === slots + 1, `layer ${layer}: ${sum}`).toBe(true);
    }
    expect(given[0]).not.toBe(given[1]);
    const equal = await budgets(policy, 200, () => makeSignals(["keyNorm"], "equal", 200, 0));
    expect(equal).toEqual([32, 32, 24, 24, 16, 16, 8, 8]);
  });

  it("reads nothing of protected layers, nor of those whose policy keeps everything", async () => {
    const read = new Set<number>();
    const half = perLayer((layer) => (layer === 2 ? full : l2Norm));
    const policy = create(adaptive(half), { budget: 20, protectLayers: [0] });
    const { shares } = await policy.allocate({
      seen: 50,
      resident: () => 50,
      signals: async (layer) => {
        read.add(layer);
        return { keyNorm: new Float32Array(50).fill(layer) };
      },
    });
    expect([...read]).toEqual([1, 3]);
    expect([...shares]).toEqual(new Array(8).fill(expect.closeTo(1)));
  });

  it("refuses what has no scores, and heads that must stay alike", () => {
    const refused = expect.objectContaining({ code: "INVALID_DEFINITION" });
    expect(() => adaptive(guardsOnly)).toThrowError(refused);
    expect(() => adaptive(full)).toThrowError(refused);
    expect(() => adaptive(adaptive(recentAttention))).toThrowError(refused);
    expect(() => create(adaptive(perLayer(() => guardsOnly)))).toThrowError(refused);
    expect(() => create(adaptive(layerAttention), { budget: 20 })).toThrowError(refused);
  });

  it("makes scores that are NaN an error of the request", async () => {
    const policy = create(adaptive(recentAttention), { budget: 20 });
    const attentionRecent = new Float32Array(50).fill(Number.NaN);
    const query = { seen: 50, resident: () => 50, signals: async () => ({ attentionRecent }) };
    await expect(policy.allocate(query)).rejects.toMatchObject({ code: "INVALID_SCORES" });
  });

  it("leaves the shares of the policy that it wraps as they are", async () => {
    const shares = Float32Array.of(2, 2, 1, 1, 1, 1, 0.5, 0.5);
    const fixed = definePolicy({
      name: "fixed",
      signals: ["keyNorm"],
      score: ({ keyNorm }) => keyNorm,
      allocate: () => shares,
    });
    await budgets(create(adaptive(fixed), { budget: 4 }), 20, (_, head) => ({
      keyNorm: Float32Array.from({ length: 20 }, (_, slot) => slot * (head + 1)),
    }));
    expect([...shares]).toEqual([2, 2, 1, 1, 1, 1, 0.5, 0.5]);
  });
});
