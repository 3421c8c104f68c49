import { describe, expect, it } from "vitest";
import { createPolicy } from "./create-policy.ts";
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

  it("gives slots that stay when the policy uses its array again", () => {
    const scratch = new Int32Array(10);
    const reusing = definePolicy({
      name: "reusing",
      signals: [],
      select({ head, resident, budget }) {
        for (let i = 0; i < budget; i++) scratch[i] = i < budget - 1 ? i + head : resident - 1;
        return scratch.subarray(0, budget);
      },
    });
    const policy = create({ ...free, budget: 5 }, reusing);
    const first = policy.select({ ...query, signals: {} });
    policy.select({ ...query, head: 1, signals: {} });
    expect([...first]).toEqual([0, 1, 2, 3, 9]);
  });

  it("refuses a promise of scores, whether or not it is kept", async () => {
    const broken = Promise.reject(new Error("broken"));
    const late = definePolicy({ name: "late", signals: [], score: () => broken as never });
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listen);
    const ask = () => create({ ...free, budget: 5 }, late).select({ ...query, signals: {} });
    expect(ask).toThrowError(expect.objectContaining({ code: "INVALID_SCORES" }));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });
});
