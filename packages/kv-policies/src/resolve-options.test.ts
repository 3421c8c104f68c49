import { describe, expect, it } from "vitest";
import { definePolicy } from "./definition.ts";
import type { PolicyOptions } from "./options.ts";
import { full } from "./policies/full.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import { resolveOptions } from "./resolve-options.ts";

const limits = { layers: 6, pageTokens: 16 };
const plain = definePolicy({
  name: "plain",
  signals: [],
  score: ({ resident }) => new Float32Array(resident),
});

describe("resolveOptions", () => {
  it("fills in the policy's defaults, then the common ones", () => {
    expect(resolveOptions(plain, {}, limits)).toEqual({
      budget: 1,
      sinks: 4,
      recent: 32,
      minTokens: 0,
      protectLayers: [],
      prefill: "end",
      decode: true,
    });
    expect(resolveOptions(l2Norm, { recent: 8 }, limits)).toMatchObject({
      budget: 0.5,
      sinks: 0,
      recent: 8,
      protectLayers: [0, 1],
    });
    expect(resolveOptions(l2Norm, { recent: undefined }, limits).recent).toBe(64);
  });

  it.each<[PolicyOptions, string]>([
    [{ budget: 0 }, "budget"],
    [{ budget: -0.5 }, "budget"],
    [{ budget: 1.5 }, "budget"],
    [{ budget: Number.NaN }, "budget"],
    [{ budget: "0.5" as never }, "budget"],
    [{ budget: null as never }, "budget"],
    [{ sinks: -1 }, "sinks"],
    [{ sinks: 1.5 }, "sinks"],
    [{ recent: Number.POSITIVE_INFINITY }, "recent"],
    [{ minTokens: "8" as never }, "minTokens"],
    [{ prefill: "never" as never }, "prefill"],
    [{ decode: 1 as never }, "decode"],
    [{ protectLayers: 0 as never }, "protectLayers"],
    [{ protectLayers: [6] }, "protectLayers"],
    [{ protectLayers: [-7] }, "protectLayers"],
    [{ protectLayers: [0.5] }, "protectLayers"],
    [{ budget: 0.5, protectLayers: [0, 1, 2, 3, -2, -1] }, "protectLayers"],
    [{ budget: 35 }, "budget"],
    [{ budget: 8, sinks: 0, recent: 0 }, "budget"],
    [{ budget: 50, minTokens: 51 }, "budget"],
  ])("refuses %j", (options, field) => {
    expect(() => resolveOptions(plain, options, limits)).toThrowError(
      expect.objectContaining({ code: "INVALID_OPTION", field }),
    );
  });

  it("names the option, what was expected and what was received", () => {
    expect(() => resolveOptions(plain, { budget: 35 }, limits)).toThrow(
      "Policy plain: budget: expected at least 36 tokens, as sinks (4) and recent (32) are never evicted, received 35.",
    );
  });

  it("refuses unknown options, and any option for a policy that keeps everything", () => {
    expect(() => resolveOptions(plain, { ratio: 0.5 }, limits)).toThrowError(
      expect.objectContaining({
        code: "UNKNOWN_OPTION",
        field: "ratio",
        message: expect.stringContaining("it takes budget, sinks"),
      }),
    );
    expect(() => resolveOptions(full, { budget: 0.5 }, limits)).toThrowError(
      expect.objectContaining({ code: "UNKNOWN_OPTION" }),
    );
    expect(() => resolveOptions(plain, JSON.parse('{"__proto__": 1}'), limits)).toThrowError(
      expect.objectContaining({ code: "UNKNOWN_OPTION" }),
    );
  });

  it("leaves out protected layers of the defaults that a model lacks, but not the last layer to evict from", () => {
    const pageTokens = 16;
    expect(
      resolveOptions(definePolicy({ ...l2Norm, defaults: { protectLayers: [0, 9, -8] } }), {}, limits)
        .protectLayers,
    ).toEqual([0]);
    expect(() => resolveOptions(l2Norm, {}, { layers: 2, pageTokens })).toThrow("pass [] to protect none");
    expect(resolveOptions(l2Norm, { protectLayers: [] }, { layers: 2, pageTokens }).protectLayers).toEqual(
      [],
    );
  });

  it("says in few words what it received, however much that is", () => {
    const endless: unknown[] = [];
    endless.push(endless);
    for (const [budget, word] of [
      [new Array(100_000).fill(7), "received a list of 100000."],
      ["x".repeat(100_000), /received "x{99}\.{3}\.$/],
      [endless, "received object."],
      [[1n], "received object."],
      [() => 1, "received function."],
    ])
      expect(() => resolveOptions(plain, { budget: budget as never }, limits)).toThrow(word as string);
  });

  it("says what it received where JSON has no word for it", () => {
    expect(() => resolveOptions(plain, { budget: 2n as never }, limits)).toThrow("received 2n");
  });

  it("checks the policy's own parameters", () => {
    const own = definePolicy({
      ...plain,
      parameters: {
        window: { type: "integer", default: 8, minimum: 1, maximum: 64, description: "queries" },
        weight: { type: "number", default: 0.5, minimum: 0, maximum: 1, description: "of the value norm" },
        strict: { type: "boolean", default: false, description: "whether ..." },
      },
    });
    expect(resolveOptions(own, { weight: 1 }, limits)).toMatchObject({ window: 8, weight: 1, strict: false });
    for (const options of [
      { window: 0 },
      { window: 1.5 },
      { weight: 1.1 },
      { weight: Number.NaN },
      { weight: null },
      { strict: 1 },
    ]) {
      expect(() => resolveOptions(own, options, limits)).toThrowError(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
  });
});

describe("definePolicy", () => {
  it.each([
    [{ name: "L2 norm" }, "name"],
    [{ signals: ["keynorm"] }, "signals"],
    [{ select: () => new Int32Array(0) }, "select"],
    [{ score: undefined, allocate: () => new Float32Array(0) }, "allocate"],
    [{ defaults: { window: 3 } }, "defaults"],
    [
      { parameters: { sinks: { type: "integer", default: 1, minimum: 0, maximum: 2, description: "" } } },
      "parameters",
    ],
    [
      { parameters: { depth: { type: "integer", default: 3, minimum: 0, maximum: 2, description: "" } } },
      "parameters",
    ],
  ])("refuses %j", (change, field) => {
    const spec = { name: "some", signals: [], score: plain.score, ...change };
    expect(() => definePolicy(spec as never)).toThrowError(
      expect.objectContaining({ code: "INVALID_DEFINITION", field }),
    );
  });
});
