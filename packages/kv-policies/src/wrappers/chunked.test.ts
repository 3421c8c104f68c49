import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyDefinition } from "../definition.ts";
import { definePolicy } from "../definition.ts";
import { full } from "../policies/full.ts";
import { environment, free, guardsOnly, recentAttention } from "../sample-policies.ts";
import { makeSignals } from "../sample-signals.ts";
import { chunked } from "./chunked.ts";

const create = (definition: PolicyDefinition, options = {}) =>
  createPolicy(definition, { ...free, ...options }, environment);
const head = { layer: 0, head: 0, phase: "prefill" } as const;

describe("chunked", () => {
  it("keeps whole chunks of the highest mean", () => {
    const policy = create(chunked(recentAttention), { budget: 7, sinks: 1, chunkSize: 3 });
    //                                       sink |       |       |       | newest
    const attentionRecent = Float32Array.of(0, /**/ 9, 0, 0, 4, 4, 4, 0, 8, 2, /**/ 0);
    const position = Float32Array.from({ length: 11 }, (_, slot) => slot);
    const query = { ...head, seen: 11, resident: 11, signals: { attentionRecent, position } };
    expect(policy.needs(head).signals).toEqual(["attentionRecent", "position"]);
    // Means are 3, 4 and 10 / 3; the second of two chunks has room for two of its three slots.
    expect([...policy.select({ ...query })]).toEqual([0, 4, 5, 6, 8, 9, 10]);
  });

  it("keeps to the text's chunks after evictions", () => {
    const policy = create(chunked(recentAttention), { budget: 5, chunkSize: 4, decode: true });
    const position = Float32Array.of(0, 1, 5, 6, 7, 8, 11, 12);
    const attentionRecent = Float32Array.of(6, 6, 9, 9, 0, 5, 5, 0);
    const query = { ...head, phase: "decode", seen: 13, resident: 8 } as const;
    // Tokens 4 to 7 and 0 to 3 have means of 6, and there is room for one of the latter two.
    expect([...policy.select({ ...query, signals: { attentionRecent, position } })]).toEqual([1, 2, 3, 4, 7]);
  });

  it("agrees with averaging in plain loops", () => {
    for (let seed = 0; seed < 30; seed++) {
      const [resident, sinks, recent] = [40 + seed, seed % 4, 1 + (seed % 7)];
      const chunkSize = 1 + (seed % 9);
      const budget = sinks + recent + chunkSize * 2 + 3;
      const signals = makeSignals(["attentionRecent", "position"], "random", resident, seed);
      const means: number[][] = [];
      for (let first = sinks; first < resident - recent; first += chunkSize) {
        let sum = 0;
        const last = Math.min(first + chunkSize, resident - recent);
        for (let slot = first; slot < last; slot++) sum += signals.attentionRecent![slot]!;
        means.push([sum / (last - first), first, last]);
      }
      const expected = new Set<number>();
      for (let slot = 0; slot < resident; slot++)
        if (slot < sinks || slot >= resident - recent) expected.add(slot);
      for (const [, first, last] of means.sort((a, b) => b[0]! - a[0]!))
        for (let slot = last! - 1; slot >= first!; slot--) if (expected.size < budget) expected.add(slot);
      const policy = create(chunked(recentAttention), { budget, sinks, recent, chunkSize });
      expect([...policy.select({ ...head, seen: resident, resident, signals })]).toEqual(
        [...expected].sort((a, b) => a - b),
      );
    }
  });

  it("keeps a chunk that must be kept, whatever else is in it", () => {
    const [up, down] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const fixed = definePolicy({
      name: "fixed",
      signals: [],
      score: () => Float32Array.of(1, 1, down, up, 9, 9, 9, 9, 0),
    });
    const policy = create(chunked(fixed), { budget: 5, chunkSize: 2 });
    const position = Float32Array.from({ length: 9 }, (_, slot) => slot);
    expect([...policy.select({ ...head, seen: 9, resident: 9, signals: { position } })]).toEqual([
      2, 3, 6, 7, 8,
    ]);
  });

  it("refuses what has no scores", () => {
    for (const inner of [guardsOnly, full, chunked(recentAttention)])
      expect(() => chunked(inner)).toThrowError(expect.objectContaining({ code: "INVALID_DEFINITION" }));
  });
});
