import { describe, expect, it } from "vitest";
import { createPolicy } from "./create-policy.ts";
import { definePolicy } from "./definition.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import type { Policy, PolicyEnvironment } from "./policy.ts";
import type { SignalSet } from "./signals.ts";
import { merge } from "./wrappers/merge.ts";
import { perPhase } from "./wrappers/per-phase.ts";

const environment: PolicyEnvironment = {
  layers: 4,
  heads: 2,
  pageTokens: 4,
  signals: ["position", "keyNorm"],
};
const free = { sinks: 0, recent: 0, protectLayers: [] };
const create = (options = {}, definition: Parameters<typeof createPolicy>[0] = l2Norm) =>
  createPolicy(definition, options, environment);

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

  it("fails once where a policy reads ahead and gives up at the first failure", async () => {
    const ahead = definePolicy({
      name: "ahead",
      signals: ["keyNorm"],
      score: ({ keyNorm }) => keyNorm,
      async allocate({ layers, heads, signals }) {
        const reads = Array.from({ length: layers * heads }, (_, i) =>
          signals(Math.floor(i / heads), i % heads),
        );
        for (const read of reads) await read;
        return new Float32Array(layers * heads).fill(1);
      },
    });
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listen);
    const ended = new Error("the request has ended");
    const policy = create({ budget: 10, ...free }, ahead);
    const query = { seen: 20, resident: () => 20, signals: () => Promise.reject(ended) };
    await expect(policy.allocate(query)).rejects.toBe(ended);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("reads what only it goes by once, and chooses slots without", async () => {
    const gated = definePolicy({
      name: "gated",
      signals: ["position", "keyNorm"],
      signalsOnce: ["keyNorm"],
      score: (context) => context.position.map((token) => ("keyNorm" in context ? -token : token)),
      profile: async ({ layers, heads, signals }) =>
        new Float32Array(layers * heads).fill((await signals(0, 0)).keyNorm[0]!),
    });
    for (const definition of [gated, perPhase(l2Norm, gated), merge(gated)]) {
      const policy = create({ ...free, budget: 5 }, definition);
      expect([...policy.signals].sort()).toEqual(["keyNorm", "position"]);
      expect([...policy.needs({ layer: 1, phase: "prefill" }).signals].sort()).toEqual([
        "keyNorm",
        "position",
      ]);
      expect(policy.needs({ layer: 1, phase: "decode" }).signals).toEqual(["position"]);
      const signals = {
        position: Float32Array.from({ length: 10 }, (_, i) => i),
        keyNorm: new Float32Array(10).fill(7),
      };
      const { profile } = await policy.allocate({
        seen: 10,
        resident: () => 10,
        signals: async () => signals,
      });
      expect(profile[0]).toBe(7);
      const query = { layer: 0, head: 0, seen: 10, resident: 10, signals };
      expect([...policy.select({ ...query, phase: "decode" })]).toEqual([5, 6, 7, 8, 9]);
      expect([...policy.select({ ...query, phase: "prefill" })]).toEqual([5, 6, 7, 8, 9]);
    }
  });

  it.each([
    [{ signalsOnce: ["position"] as const }],
    [{ signalsOnce: ["keyNorm"] as const, profile: undefined as never }],
    [{ signalsOnce: "keyNorm" as never }],
  ])("refuses signals to be read once that are not: %o", (change) => {
    const profile = ({ layers, heads }: { layers: number; heads: number }) =>
      new Float32Array(layers * heads);
    const score = ({ keyNorm }: { keyNorm: Float32Array }) => keyNorm;
    const make = () =>
      definePolicy({ name: "gated", signals: ["keyNorm"], profile, score, ...(change as object) });
    expect(make).toThrowError(expect.objectContaining({ code: "INVALID_DEFINITION", field: "signalsOnce" }));
  });
});
