import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyOptions } from "../options.ts";
import { newestFirst } from "../sample-attention.ts";
import { generator } from "../sample-signals.ts";
import { SIGNALS } from "../signals.ts";
import { duoAttention } from "./duo-attention.ts";

interface Model {
  readonly layers: number;
  readonly heads: number;
  /** What the newest queries pay in each head, `[layers * heads]`. */
  readonly attention: readonly Float32Array[];
}

/** Profiles all heads of a model at the end of a prompt, and keeps what that says; which are full, and the slots. */
async function compressed({ layers, heads, attention }: Model, options: PolicyOptions) {
  const environment = { layers, heads, pageTokens: 4, signals: SIGNALS };
  const policy = createPolicy(duoAttention, options, environment);
  const seen = attention[0]!.length;
  const { profile } = await policy.allocate({
    seen,
    resident: () => seen,
    signals: async (layer, head) => ({ attentionRecent: attention[layer * heads + head]! }),
  });
  const kept = attention.map((attentionRecent, i) => {
    const place = { layer: Math.floor(i / heads), head: i % heads, phase: "prefill" } as const;
    const signals = { attentionRecent };
    return [...policy.select({ ...place, seen, resident: seen, signals, profile: profile[i]! })];
  });
  return { full: [...profile], kept };
}

/** Linear interpolation between sorted numbers, as numpy's. */
function quantile(numbers: readonly number[], part: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = part * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

/** The first of a text and the last. */
function ends(seen: number, first: number, last: number): number[] {
  const [all, cut] = [newestFirst(seen).reverse(), Math.max(first, seen - last)];
  return all.filter((slot) => slot < first || slot >= cut);
}

function sampleModel(seed: number) {
  const random = generator(seed + 1);
  const whole = (most: number) => Math.floor(random() * (most + 1));
  const [layers, heads, seen] = [1 + whole(7), 1 + whole(7), 30 + whole(60)];
  const count = layers * heads;
  const attention = Array.from({ length: count }, () => Float32Array.from({ length: seen }, random));
  const gates = attention.map(random);
  const [sinks, recent] = [whole(6), 1 + whole(12)];
  const retrieval = [0.5, 0.25, 0.75, 0.125, 0.875][seed % 5]!;
  return { model: { layers, heads, attention }, seen, gates, sinks, recent, retrieval };
}

describe("duo-attention", () => {
  it.each(["given", "measured"])("lets the heads of highest gates keep everything, gates %s", async (how) => {
    for (let seed = 0; seed < 40; seed++) {
      const { model, seen, gates, sinks, recent, retrieval } = sampleModel(seed);
      const { layers, heads, attention } = model;
      const measured = attention.map((paid) => {
        const near = new Set(ends(seen, sinks, recent));
        return paid.reduce((sum, share, slot) => sum + (near.has(slot) ? 0 : share), 0);
      });
      const used = how === "given" ? gates : measured;
      const threshold = quantile(used, 1 - retrieval);
      const isFull = used.map((gate) => gate >= threshold);
      const options = { sinks, recent, retrieval, ...(how === "given" && { gates }) };
      const { full, kept } = await compressed(model, options);
      expect(full, `${layers} x ${heads}`).toEqual(isFull.map(Number));
      const least = Math.max(recent, 4 - sinks); // a page at least
      expect(kept).toEqual(isFull.map((all) => ends(seen, all ? seen : sinks, least)));
    }
  });

  const paying = (...slots: number[]) =>
    new Float32Array(20).map((_, slot) => (slots.includes(slot) ? 0.5 : 0));
  const model: Model = {
    layers: 2,
    heads: 2,
    attention: [paying(0, 1, 19), paying(7), paying(1, 18), paying(4, 9, 15)],
  };
  const guards = { sinks: 2, recent: 4 };
  const [all, few] = [ends(20, 20, 0), [0, 1, 16, 17, 18, 19]];

  it("finds the heads that look between sinks and window", async () => {
    expect(await compressed(model, guards)).toEqual({ full: [0, 1, 0, 1], kept: [few, all, few, all] });
    const { full } = await compressed(model, { ...guards, retrieval: 0.25 });
    expect(full).toEqual([0, 0, 0, 1]);
    // Of a text that is all sinks and window, no head shows anything.
    const { kept } = await compressed(model, { sinks: 8, recent: 12 });
    expect(kept).toEqual([all, all, all, all]);
  });

  it("goes by the gates that it is given, of equal ones by the later", async () => {
    const full = async (gates: number[], retrieval = 0.5) =>
      (await compressed(model, { ...guards, gates, retrieval })).full;
    expect(await full([0.9, 0.2, 0.3, 0.1])).toEqual([1, 0, 1, 0]);
    expect(await full([0.5, 0.5, 0.5, 0.5])).toEqual([0, 0, 1, 1]);
    expect(await full([0, 0, 1, 0])).toEqual([0, 0, 1, 1]);
    expect(await full([0.9, 0.2, 0.3, 0.1], 0)).toEqual([0, 0, 0, 0]);
    expect(await full([0.9, 0.2, 0.3, 0.1], 1)).toEqual([1, 1, 1, 1]);
  });

  it("keeps in no head more than is allowed", async () => {
    const { kept } = await compressed(model, { ...guards, budget: 9 });
    const most = [0, 1, 13, 14, 15, 16, 17, 18, 19];
    expect(kept).toEqual([few, most, few, most]);
  });

  it("keeps a page in any head, and minTokens", async () => {
    const { kept } = await compressed(model, { sinks: 0, recent: 1 });
    expect(kept[0]).toEqual([16, 17, 18, 19]);
    expect((await compressed(model, { ...guards, minTokens: 8 })).kept[0]).toEqual([
      0, 1, 14, 15, 16, 17, 18, 19,
    ]);
  });

  it.each([1, 3, 5, 8])("fails a request of a model that has not %i heads", async (count) => {
    const gates = new Array<number>(count).fill(0.5);
    await expect(compressed(model, { ...guards, gates })).rejects.toMatchObject({
      name: "PolicyError",
      code: "INVALID_OPTION",
      field: "gates",
      message: `Policy duo-attention: gates: expected 4 numbers (2 KV layers x 2 heads), or none, received ${count}.`,
    });
  });

  it("takes no gates beyond 0..1", () => {
    const environment = { layers: 1, heads: 2, pageTokens: 4, signals: SIGNALS };
    for (const gate of [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const create = () => createPolicy(duoAttention, { gates: [0.5, gate] }, environment);
      expect(create).toThrow(/^Policy duo-attention: gates: expected a list of .* numbers in 0\.\.1/);
    }
  });
});
