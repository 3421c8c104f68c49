import { describe, expect, it } from "vitest";
import { createPolicy } from "./create-policy.ts";
import { definePolicy } from "./definition.ts";
import { environment, layerAttention } from "./sample-policies.ts";
import type { AttentionSpec, Signal } from "./signals.ts";

const reading = (signals: readonly Signal[], attention: Partial<AttentionSpec> = {}) =>
  definePolicy({
    name: "reading",
    signals,
    attention: () => attention,
    score: ({ resident }) => new Float32Array(resident),
  });
const create = (...args: Parameters<typeof reading>) =>
  createPolicy(reading(...args), { budget: 0.5 }, environment);

describe("attention", () => {
  it("is measured as the policy says, and else by default", () => {
    const { attention } = create(["attentionRecent"], { over: "layer" }).needs({ layer: 0, phase: "decode" });
    expect(attention).toEqual({
      window: 32,
      reduce: "mean",
      over: "layer",
      threshold: 1,
      future: 512,
      temperature: [1, 1],
    });
  });

  it("asks for as many queries as are read, and for sums where they are", () => {
    expect(create(["attentionLast"], { window: 64 }).window).toBe(1);
    expect(create(["attentionLast", "attentionCount"], { window: 64 }).window).toBe(64);
    expect(create(["attentionExpected"]).window).toBe(32);
    expect(create(["attentionSum", "keyNorm"]).window).toBe(0);
    expect(create(["attentionRecent"]).collects).toBeUndefined();
    const noisy = { noiseSeed: 7, temperature: [1, 2] } as const;
    expect(create(["attentionSum"], noisy).collects).toEqual({ reduce: "mean", ...noisy });
    expect(createPolicy(reading(["attentionSum"]), {}, environment)).toMatchObject({
      signals: [],
      window: 0,
    });
  });

  it.each<Partial<AttentionSpec>>([
    { window: 0 },
    { window: 513 },
    { window: 1.5 },
    { reduce: "median" as never },
    { over: "model" as never },
    { threshold: 0 },
    { threshold: Number.POSITIVE_INFINITY },
    { future: 0 },
    { future: 65537 },
    { noiseSeed: -1 },
    { noiseSeed: 2 ** 32 },
    { temperature: [1] as never },
    { temperature: [1, 0] },
    { temperature: [1e-7, 1] },
    { temperature: [1, 1e7] },
    { temperature: 2 as never },
    { windows: 64 } as never,
  ])("cannot be %j", (attention) => {
    expect(() => create(["attentionRecent"], attention)).toThrowError(
      expect.objectContaining({ code: "INVALID_DEFINITION", field: "attention" }),
    );
  });

  it.each([
    [{ signals: ["attentionLast", "keyNorm"] }, "signals"],
    [{ allocate: () => new Float32Array(8).fill(1) }, "allocate"],
    [{ profile: () => new Float32Array(8) }, "profile"],
    [{ score: undefined, select: () => new Int32Array(0), sizesItself: true }, "sizesItself"],
  ])("of a whole layer leaves its heads alike: %j is refused", (change, field) => {
    const apart = definePolicy({ ...layerAttention, ...change } as never);
    expect(() => createPolicy(apart, { budget: 0.5 }, environment)).toThrowError(
      expect.objectContaining({ code: "INVALID_DEFINITION", field }),
    );
  });

  it("of a whole layer goes with shares by layer, which must be such", async () => {
    const allocate = (step: number) => () => Float32Array.from({ length: 8 }, (_, i) => 1 + (i % step));
    const ask = (step: number) =>
      createPolicy(
        definePolicy({ ...layerAttention, sharesBy: "layer", allocate: allocate(step) }),
        { budget: 0.5 },
        environment,
      ).allocate({ seen: 9, resident: () => 9, signals: async () => ({}) });
    expect((await ask(1)).shares).toHaveLength(8);
    await expect(ask(2)).rejects.toMatchObject({ code: "INVALID_ALLOCATION" });
  });

  it("cannot be read while decoding with positions of the cache", () => {
    const moving = definePolicy({ ...layerAttention, positions: "cache" });
    expect(() => createPolicy(moving, { budget: 0.5 }, environment)).toThrowError(
      expect.objectContaining({ code: "INVALID_DEFINITION", field: "positions" }),
    );
    expect(createPolicy(moving, { budget: 0.5, decode: false }, environment).evicts).toBe(true);
  });
});
