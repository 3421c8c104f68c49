import { describe, expect, it } from "vitest";
import { createPolicy, resolvePolicy } from "./create-policy.ts";
import { definePolicy } from "./definition.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import type { PolicyEnvironment } from "./policy.ts";

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
  it("is exact at the end of a prompt, and has a page of slack while decoding", () => {
    const policy = create({ ...free, budget: 20 });
    const over = (phase: "prefill" | "decode") =>
      [20, 21, 23, 24, 25].map((resident) => policy.overBudget({ layer: 0, resident, seen: 90, phase }));
    expect(over("prefill")).toEqual([false, true, true, true, true]);
    expect(over("decode")).toEqual([false, false, false, true, true]);
    const promptOnly = create({ ...free, budget: 20, decode: false });
    expect(promptOnly.overBudget({ layer: 0, resident: 90, seen: 90, phase: "decode" })).toBe(false);
    expect(promptOnly.overBudget({ layer: 0, resident: 90, seen: 90, phase: "prefill" })).toBe(true);
  });
});

describe("select", () => {
  const keyNorm = Float32Array.of(9, 1, 8, 2, 7, 3, 6, 4, 5, 5);
  const query = { layer: 0, head: 0, resident: 10, seen: 10, signals: { keyNorm } };

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
    expect(create({ budget: 1 }).overBudget({ layer: 3, resident: 10, seen: 10, phase: "prefill" })).toBe(
      false,
    );
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

  it("scales shares to a mean of 1 over the layers that are not protected", () => {
    const policy = create({ ...free, budget: 10, protectLayers: [0] }, pyramid);
    expect(policy.allocates).toBe(true);
    const shares = policy.allocate({ seen: 100, signals: () => ({ keyNorm: new Float32Array(100) }) });
    expect([...shares].slice(2)).toEqual([1.5, 1.5, 1, 1, 0.5, 0.5]);
    expect(
      [0, 1, 2, 3].map((layer) => policy.budget({ layer, seen: 100, share: shares[layer * 2]! })),
    ).toEqual([100, 15, 10, 5]);
  });

  it("gives every head the same where the policy does not allocate", () => {
    const policy = create({ ...free, budget: 10 });
    expect(policy.allocates).toBe(false);
    expect([...policy.allocate({ seen: 100, signals: () => ({}) })]).toEqual(new Array(8).fill(1));
  });

  it("refuses shares that cannot be", () => {
    for (const shares of [
      new Float32Array(8),
      new Float32Array(7).fill(1),
      new Float32Array(8).fill(-1),
      new Float32Array(8).fill(Number.NaN),
    ]) {
      const policy = create({ ...free, budget: 10 }, definePolicy({ ...pyramid, allocate: () => shares }));
      expect(() =>
        policy.allocate({ seen: 9, signals: () => ({ keyNorm: new Float32Array(9) }) }),
      ).toThrowError(expect.objectContaining({ code: "INVALID_ALLOCATION" }));
    }
  });

  it("can read the signals of all heads, as AdaKV must", () => {
    const read = definePolicy({
      ...pyramid,
      allocate: ({ layers, heads, signals }) =>
        Float32Array.from(
          { length: layers * heads },
          (_, i) => signals(Math.floor(i / heads), i % heads).keyNorm[0]!,
        ),
    });
    const policy = create({ ...free, budget: 10 }, read);
    const shares = policy.allocate({
      seen: 1,
      signals: (layer, head) => ({ keyNorm: Float32Array.of(layer * 2 + head) }),
    });
    expect([...shares]).toEqual(Array.from({ length: 8 }, (_, i) => expect.closeTo(i / 3.5)));
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

describe("attention", () => {
  it("is collected as the policy says, and by default as a mean over the group", () => {
    const tova = definePolicy({ ...l2Norm, name: "tova", attention: () => ({ over: "layer" }) });
    expect(create().attention).toEqual({ window: 32, reduce: "mean", over: "group" });
    expect(create({}, tova).attention).toEqual({ window: 32, reduce: "mean", over: "layer" });
  });
});
