import { describe, expect, it } from "vitest";
import { createPolicy } from "./create-policy.ts";
import { definePolicy } from "./definition.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import type { Policy, PolicyEnvironment } from "./policy.ts";
import { resolvePolicy } from "./resolve-policy.ts";
import { SIGNALS, type SignalSet } from "./signals.ts";

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
        message: "Policy l2norm: it is unknown; known are full, streaming-llm, l2-norm.",
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

describe("select", () => {
  const keyNorm = Float32Array.of(9, 1, 8, 2, 7, 3, 6, 4, 5, 5);
  const query = {
    layer: 0,
    head: 0,
    resident: 10,
    seen: 10,
    phase: "prefill",
    signals: { keyNorm },
  } as const;

  it("keeps the keys of low norm, for l2-norm", () => {
    expect([...create({ ...free, budget: 5 }).select(query)]).toEqual([1, 3, 5, 7, 9]);
    expect([...create({ ...free, budget: 5, sinks: 1, recent: 2 }).select(query)]).toEqual([0, 1, 3, 8, 9]);
  });

  it("keeps sinks and the window, for streaming-llm", () => {
    const policy = create({ budget: 6, sinks: 2 }, "streaming-llm");
    expect([policy.positions, policy.sinks, policy.signals]).toEqual(["cache", 2, []]);
    expect([...policy.select({ ...query, signals: {} })]).toEqual([0, 1, 6, 7, 8, 9]);
  });

  it("keeps everything, for full and for a budget of 1", () => {
    expect(create({}, "full")).toMatchObject({ evicts: false, sinks: 0 });
    expect(create({}, "full").select({ ...query, signals: {} })).toHaveLength(10);
    expect(create({ budget: 1 }).evicts).toBe(false);
    expect(
      create({ budget: 1 }).overBudget({ layer: 3, head: 0, resident: 10, seen: 10, phase: "prefill" }),
    ).toBe(false);
  });

  it("passes the policy its signals, its place and its options, and nothing else", () => {
    const seen: unknown[] = [];
    const spy = definePolicy({
      name: "spy",
      signals: ["keyNorm"],
      parameters: { window: { type: "integer", default: 7, minimum: 1, maximum: 9, description: "slots" } },
      score: (context) => {
        const window: number = context.options.window;
        seen.push({ ...context, options: window });
        return context.keyNorm;
      },
    });
    create({ ...free, budget: 4, window: 8 }, spy).select({
      ...query,
      head: 1,
      signals: { keyNorm, position: keyNorm },
    });
    expect(seen).toEqual([
      {
        keyNorm,
        layer: 0,
        head: 1,
        layers: 4,
        heads: 2,
        resident: 10,
        seen: 10,
        budget: 4,
        pageTokens: 4,
        phase: "prefill",
        profile: 0,
        options: 8,
      },
    ]);
  });

  it("refuses scores that are NaN or too few, wrong selections, and wraps what a policy throws", () => {
    const run = (spec: object) =>
      create({ ...free, budget: 4 }, definePolicy({ name: "bad", signals: ["keyNorm"], ...spec })).select(
        query,
      );
    const code = (expected: string) => expect.objectContaining({ code: expected, policy: "bad" });
    expect(() => run({ score: () => new Float32Array(10).fill(Number.NaN) })).toThrowError(
      code("INVALID_SCORES"),
    );
    expect(() => run({ score: () => new Float32Array(9) })).toThrowError(code("INVALID_SCORES"));
    expect(() => run({ score: () => undefined })).toThrowError(code("INVALID_SCORES"));
    expect(() => run({ select: () => Int32Array.of(0, 1, 2, 3) })).toThrowError(code("INVALID_SELECTION"));
    expect(() => run({ select: () => Int32Array.of(9) })).toThrowError(code("INVALID_SELECTION"));
    const cause = new RangeError("oops");
    const thrower = () => {
      throw cause;
    };
    expect(() => run({ score: thrower })).toThrowError(
      expect.objectContaining({ code: "POLICY_FAILED", cause }),
    );
  });

  it("refuses calls that cannot be", () => {
    const policy = create({ ...free, budget: 4 });
    const refused = [
      { layer: 4 },
      { layer: -1 },
      { head: 2 },
      { resident: 11 },
      { resident: 1.5 },
      { seen: Number.NaN },
      { share: -1 },
      { profile: Number.NaN },
      { phase: "end" as never },
      { signals: {} },
      { signals: { keyNorm: keyNorm.slice(1) } },
    ];
    for (const change of refused) {
      expect(() => policy.select({ ...query, ...change }), JSON.stringify(change)).toThrowError(
        expect.objectContaining({ code: "INVALID_CALL" }),
      );
    }
  });

  it("takes keys and values with a whole number of values per slot", () => {
    const keys = definePolicy({
      name: "keys",
      signals: ["keys"],
      score: ({ keys, resident }) => keys.slice(0, resident),
    });
    const policy = createPolicy(keys, { ...free, budget: 4 }, { ...environment, signals: ["keys"] });
    expect(policy.select({ ...query, signals: { keys: new Float32Array(80) } })).toHaveLength(4);
    expect(() => policy.select({ ...query, signals: { keys: new Float32Array(81) } })).toThrow("keys");
  });
});

describe("allocate", () => {
  const pyramid = definePolicy({
    name: "pyramid",
    signals: ["keyNorm"],
    score: ({ keyNorm }) => keyNorm,
    allocate: ({ layers, heads }) =>
      Float32Array.from({ length: layers * heads }, (_, i) => layers - Math.floor(i / heads)),
  });
  const ask = (policy: Policy, seen: number, fill = (_layer: number, _head: number) => 0) =>
    policy.allocate({
      seen,
      resident: () => seen,
      signals: async (layer, head): Promise<Partial<SignalSet>> => ({
        keyNorm: new Float32Array(seen).fill(fill(layer, head)),
      }),
    });

  it("scales shares to a mean of 1 over the layers that are not protected", async () => {
    const policy = create({ ...free, budget: 10, protectLayers: [0] }, pyramid);
    expect(policy.allocates).toBe(true);
    const { shares, profile } = await ask(policy, 100);
    expect([...shares].slice(2)).toEqual([1.5, 1.5, 1, 1, 0.5, 0.5]);
    expect([...profile]).toEqual(new Array(8).fill(0));
    expect(
      [0, 1, 2, 3].map((layer) => policy.budget({ layer, seen: 100, share: shares[layer * 2]! })),
    ).toEqual([100, 15, 10, 5]);
  });

  it("gives every head the same where the policy does not allocate", async () => {
    const policy = create({ ...free, budget: 10 });
    expect(policy.allocates).toBe(false);
    expect([...(await ask(policy, 100)).shares]).toEqual(new Array(8).fill(1));
  });

  it.each([
    [new Float32Array(8)],
    [new Float32Array(7).fill(1)],
    [new Float32Array(8).fill(-1)],
    [new Float32Array(8).fill(Number.NaN)],
    [new Float32Array(8).fill(Number.POSITIVE_INFINITY)],
    [undefined as never],
    [Promise.resolve(new Float32Array(7))],
  ])("refuses shares that cannot be: %j", async (shares) => {
    const policy = create({ ...free, budget: 10 }, definePolicy({ ...pyramid, allocate: () => shares }));
    await expect(ask(policy, 9)).rejects.toMatchObject({ code: "INVALID_ALLOCATION" });
  });

  it.each([
    [new Float32Array(8).fill(Number.NEGATIVE_INFINITY)],
    [new Float32Array(8).fill(Number.NaN)],
    [new Float32Array(9)],
    [[0] as never],
  ])("refuses a profile that cannot be: %j", async (profile) => {
    const policy = create({ ...free, budget: 10 }, definePolicy({ ...pyramid, profile: () => profile }));
    await expect(ask(policy, 9)).rejects.toMatchObject({ code: "INVALID_PROFILE" });
  });

  it("can read the signals of all heads, as AdaKV must", async () => {
    const read = definePolicy({
      ...pyramid,
      allocate: async ({ layers, heads, signals, resident }) => {
        const shares = new Float32Array(layers * heads);
        for (let i = 0; i < shares.length; i++) {
          const [layer, head] = [Math.floor(i / heads), i % heads];
          shares[i] = (await signals(layer, head)).keyNorm[resident(layer, head) - 1]!;
        }
        return shares;
      },
    });
    const policy = create({ ...free, budget: 10 }, read);
    const { shares } = await ask(policy, 1, (layer, head) => layer * 2 + head);
    expect([...shares]).toEqual(Array.from({ length: 8 }, (_, i) => expect.closeTo(i / 3.5)));
  });

  it("hands the profile to allocate, score and select", async () => {
    const seen: number[] = [];
    const gated = definePolicy({
      ...pyramid,
      profile: ({ profile }) => Float32Array.from({ length: 8 }, (_, i) => i + profile(0, 0)),
      allocate: ({ layers, heads, profile }) =>
        Float32Array.from({ length: layers * heads }, (_, i) => profile(Math.floor(i / heads), i % heads)),
      score: ({ keyNorm, profile }) => {
        seen.push(profile);
        return keyNorm;
      },
    });
    const policy = create({ ...free, budget: 4 }, gated);
    const { shares, profile } = await ask(policy, 9);
    expect([...profile]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...shares]).toEqual(Array.from({ length: 8 }, (_, i) => expect.closeTo(i / 3.5)));
    const signals = { keyNorm: new Float32Array(9) };
    policy.select({ layer: 0, head: 0, seen: 9, resident: 9, phase: "decode", profile: 7, signals });
    expect(seen).toEqual([7]);
  });

  it("turns what the policy throws or rejects into an error of the request, and leaves others alone", async () => {
    const cause = new RangeError("oops");
    for (const allocate of [
      () => Promise.reject(cause),
      () => {
        throw cause;
      },
    ]) {
      const policy = create({ ...free, budget: 4 }, definePolicy({ ...pyramid, allocate }));
      await expect(ask(policy, 9)).rejects.toMatchObject({ code: "POLICY_FAILED", cause });
    }
    const reads = definePolicy({
      ...pyramid,
      allocate: async ({ signals }) => (await signals(0, 0)).keyNorm,
    });
    const broken = { seen: 9, resident: () => 9, signals: () => Promise.reject(cause) };
    await expect(create({ ...free, budget: 4 }, reads).allocate(broken)).rejects.toBe(cause);
    const missing = { ...broken, signals: async () => ({}) };
    await expect(create({ ...free, budget: 4 }, reads).allocate(missing)).rejects.toMatchObject({
      code: "INVALID_CALL",
      field: "keyNorm",
    });
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
