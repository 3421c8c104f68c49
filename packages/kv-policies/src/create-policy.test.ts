import { describe, expect, it } from "vitest";
import { builtInPolicies } from "./built-in-policies.ts";
import { createPolicy } from "./create-policy.ts";
import { definePolicy } from "./definition.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import type { PolicyEnvironment } from "./policy.ts";
import { resolvePolicy } from "./resolve-policy.ts";
import { SIGNALS } from "./signals.ts";

const environment: PolicyEnvironment = {
  layers: 4,
  heads: 2,
  pageTokens: 4,
  signals: ["position", "keyNorm"],
};
const free = { sinks: 0, recent: 0, protectLayers: [] };
const create = (options = {}, definition: Parameters<typeof createPolicy>[0] = l2Norm) =>
  createPolicy(definition, options, environment);

describe("choosing a policy", () => {
  it("lists the known names when one is unknown", () => {
    expect(() => create({}, "l2norm")).toThrowError(
      expect.objectContaining({
        code: "UNKNOWN_POLICY",
        message: `Policy l2norm: it is unknown; known are ${builtInPolicies.map(({ name }) => name).join(", ")}; wrappers: adaptive+, chunked+, merge+; one for prompts and one for decoding: a>b.`,
      }),
    );
    const own = definePolicy({ name: "own", signals: [] });
    expect(resolvePolicy("own", [own])).toBe(own);
    expect(resolvePolicy("l2-norm")).toBe(l2Norm);
  });

  it("refuses a policy whose signals the engine does not have, naming both", () => {
    const h2o = definePolicy({
      name: "h2o",
      signals: ["attentionSum"],
      score: ({ attentionSum }) => attentionSum,
    });
    expect(() => create({}, h2o)).toThrowError(
      expect.objectContaining({
        code: "MISSING_SIGNAL",
        field: "attentionSum",
        message: expect.stringContaining("position, keyNorm"),
      }),
    );
  });

  it("has a key that tells all options apart, and no other difference", () => {
    expect(create({ budget: 0.5, sinks: 0 }).key).toBe(create({ sinks: 0 }).key);
    const keys = [{}, { budget: 0.25 }, { protectLayers: [1] }, { minTokens: 3 }, { decode: false }].map(
      (options) => create(options).key,
    );
    expect(new Set(keys).size).toBe(keys.length);
    expect(create({ protectLayers: [-1] }).key).toBe(create({ protectLayers: [3] }).key);
  });
});

describe("budget", () => {
  it("is the fraction of the tokens seen, rounded up, or the number of tokens", () => {
    const half = create({ ...free, budget: 0.5 });
    expect([9, 10, 101].map((seen) => half.budget({ layer: 0, seen }))).toEqual([5, 5, 51]);
    const fixed = create({ ...free, budget: 20 });
    expect([3, 20, 500].map((seen) => fixed.budget({ layer: 0, seen }))).toEqual([3, 20, 20]);
  });

  it("never goes below the guards, minTokens or a page, nor above the tokens seen", () => {
    const seen = 100;
    expect(create({ ...free, budget: 0.01 }).budget({ layer: 0, seen })).toBe(4);
    expect(create({ ...free, budget: 0.01, sinks: 3, recent: 9 }).budget({ layer: 0, seen })).toBe(12);
    expect(create({ ...free, budget: 0.01, sinks: 7 }).budget({ layer: 0, seen })).toBe(8);
    expect(create({ ...free, budget: 0.01, minTokens: 30 }).budget({ layer: 0, seen })).toBe(30);
    expect(create({ ...free, budget: 0.01, minTokens: 30 }).budget({ layer: 0, seen: 2 })).toBe(2);
  });

  it("is everything in protected layers", () => {
    const policy = create({ ...free, budget: 0.1, protectLayers: [0, -1] });
    expect([0, 1, 2, 3].map((layer) => policy.budget({ layer, seen: 50 }))).toEqual([50, 5, 5, 50]);
  });

  it("is scaled by a share", () => {
    const policy = create({ ...free, budget: 20 });
    expect([0, 0.5, 1.01, 3].map((share) => policy.budget({ layer: 0, seen: 50, share }))).toEqual([
      4, 10, 21, 50,
    ]);
  });
});

describe("overBudget", () => {
  const head = { layer: 0, head: 0, seen: 92 };

  it("is exact at the end of a prompt", () => {
    const policy = create({ ...free, budget: 20 });
    const over = (resident: number) => policy.overBudget({ ...head, resident, phase: "prefill" });
    expect([20, 21, 24].map(over)).toEqual([false, true, true]);
  });

  it("comes round to each head once per page while decoding, in turns", () => {
    const policy = create({ ...free, budget: 20 });
    const due = (layer: number, head: number) =>
      [92, 93, 94, 95, 96].filter((seen) =>
        policy.overBudget({ layer, head, seen, resident: 21, phase: "decode" }),
      );
    expect(due(0, 0)).toEqual([92, 96]);
    expect(due(0, 1)).toEqual([95]);
    expect(due(1, 0)).toEqual([94]);
    expect(due(1, 1)).toEqual([93]);
    expect(policy.overBudget({ ...head, resident: 20, phase: "decode" })).toBe(false);
  });

  it("has the heads of a layer go together where they share their attention", () => {
    const tova = definePolicy({
      name: "tova",
      signals: ["attentionLast"],
      attention: () => ({ over: "layer" }),
      score: ({ attentionLast }) => attentionLast,
    });
    const policy = createPolicy(tova, { ...free, budget: 20 }, { ...environment, signals: SIGNALS });
    const due = (layer: number, head: number) =>
      [92, 93, 94, 95].filter((seen) =>
        policy.overBudget({ layer, head, seen, resident: 21, phase: "decode" }),
      );
    expect([due(0, 0), due(0, 1), due(1, 0), due(1, 1)]).toEqual([[92], [92], [95], [95]]);
  });

  it("is never in a phase that does not evict", () => {
    const promptOnly = create({ ...free, budget: 20, decode: false });
    expect(promptOnly.overBudget({ ...head, resident: 90, phase: "decode" })).toBe(false);
    expect(promptOnly.overBudget({ ...head, resident: 90, phase: "prefill" })).toBe(true);
  });

  it("asks a policy that sizes itself at the prompt's end, and once per page of new slots", () => {
    const guards = definePolicy({
      name: "guards",
      signals: [],
      sizesItself: true,
      select: ({ resident }) => Int32Array.from({ length: 4 }, (_, i) => resident - 4 + i),
    });
    const policy = create(free, guards);
    expect(policy).toMatchObject({ evicts: true, allocates: false });
    const due = (phase: "prefill" | "decode", resident: number, kept?: number) =>
      policy.overBudget({ ...head, resident, phase, ...(kept !== undefined && { kept }) });
    expect([due("prefill", 4), due("prefill", 5)]).toEqual([false, true]);
    expect([due("decode", 50), due("decode", 53, 50), due("decode", 54, 50)]).toEqual([true, false, true]);
    const query = { ...head, resident: 54, phase: "decode", signals: {} } as const;
    expect([...policy.select(query)]).toEqual([50, 51, 52, 53]);
  });
});

describe("maximumResident", () => {
  const request = { layer: 0, prompt: 100, maxNew: 20, chunk: 16 };
  it.each([
    [{ budget: 30 }, { prefill: 100, decode: 34 }],
    [
      { budget: 30, prefill: "chunk" },
      { prefill: 46, decode: 34 },
    ],
    [{ budget: 0.5 }, { prefill: 100, decode: 64 }],
    [
      { budget: 0.5, decode: false },
      { prefill: 100, decode: 70 },
    ],
    [{ budget: 200 }, { prefill: 100, decode: 120 }],
    [
      { budget: 30, protectLayers: [0] },
      { prefill: 100, decode: 120 },
    ],
    [{ budget: 1 }, { prefill: 100, decode: 120 }],
  ])("of %j is %j", (options, expected) => {
    expect(create({ ...free, ...options }).maximumResident(request)).toEqual(expected);
  });

  it("is everything for a policy that allocates, until the share is known", () => {
    const policy = create(
      { ...free, budget: 30 },
      definePolicy({ ...l2Norm, allocate: () => new Float32Array(8).fill(1) }),
    );
    expect(policy.maximumResident(request).decode).toBe(120);
    expect(policy.maximumResident({ ...request, share: 2 }).decode).toBe(64);
  });
});
