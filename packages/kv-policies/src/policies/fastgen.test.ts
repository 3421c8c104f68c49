import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyOptions } from "../options.ts";
import type { SelectQuery } from "../policy.ts";
import {
  attentionSignals,
  firstOf,
  guardedSlots,
  highestFirst,
  type Matrices,
  needsOf,
  newestFirst,
  type SampleHead,
  sampleAttention,
  sampleHead,
} from "../sample-attention.ts";
import { SIGNALS } from "../signals.ts";
import { fastgen } from "./fastgen.ts";

const environment = { layers: 1, heads: 1, pageTokens: 4, signals: SIGNALS };

/** Profiles a head, and keeps what its profile says. */
async function profiled(
  { seen, resident, sinks, recent }: SampleHead,
  signals: SelectQuery["signals"],
  options: PolicyOptions,
): Promise<{ kept: number[]; profile: number }> {
  const policy = createPolicy(fastgen, { sinks, recent, ...options }, environment);
  const allocation = await policy.allocate({ seen, resident: () => resident, signals: async () => signals });
  const profile = allocation.profile[0]!;
  const query = { layer: 0, head: 0, phase: "prefill", seen, resident, signals, profile } as const;
  return { kept: [...policy.select(query)], profile };
}

/** L1 distance of attention to what is left of it over some slots, renormalised: the mean over queries and heads. */
function distance(matrices: Matrices, window: number, kept: readonly number[]): number {
  let [sum, rows] = [0, 0];
  for (const matrix of matrices) {
    for (const row of matrix.slice(-window)) {
      const left = kept.reduce((paid, slot) => paid + row[slot]!, 0);
      row.forEach((share, slot) => {
        sum += Math.abs(share - (kept.includes(slot) ? share / left : 0));
      });
      rows += 1;
    }
  }
  return sum / rows;
}

describe("fastgen", () => {
  it("gives each head the cheapest way that recovers its attention, as plain loops do", async () => {
    const found = new Map<number, number>();
    for (let seed = 0; seed < 80; seed++) {
      const head = sampleHead(seed);
      const { seen, resident, position } = head;
      const matrices = sampleAttention(head, 1 + (seed % 3));
      const recovery = [0.7, 0.5, 0.9, 0.3, 0.2][seed % 5]!;
      const [frequent, local] = [0.1 + (seed % 4) / 10, 0.1 + (seed % 3) / 10];
      const window = [64, 1, 8][seed % 3]!;

      const sums = Array.from(position, (_, slot) =>
        matrices.reduce((sum, matrix) => matrix.reduce((s, row) => s + row[slot]!, sum), 0),
      );
      const guarded = guardedSlots(head);
      const counted = (slots: number[], count: number) => slots.slice(0, Math.max(0, count));
      const heavy = (taken: readonly number[]) =>
        counted(
          highestFirst(sums).filter((slot) => !taken.includes(slot)),
          Math.ceil(frequent * seen),
        );
      const near = [...new Set([...guarded, ...counted(newestFirst(resident), Math.ceil(local * seen))])];
      const least = Math.max(guarded.length, environment.pageTokens);
      const ways = [
        guarded.length < least ? firstOf([...guarded, ...highestFirst(sums)], least) : guarded,
        [...guarded, ...heavy(guarded)],
        [...near, ...heavy(near)],
        newestFirst(resident),
      ];
      const cheapest = ways.findIndex((way) => distance(matrices, window, way) / 2 <= 1 - recovery);

      const signals = attentionSignals(matrices, position, window);
      const { kept, profile } = await profiled(head, signals, { recovery, frequent, local, window });
      expect(kept).toEqual([...ways[cheapest]!].sort((a, b) => a - b));
      expect(profile).toBe((cheapest + 1) % 4);
      found.set(profile, (found.get(profile) ?? 0) + 1);
    }
    for (const profile of [0, 1, 2, 3]) expect(found.get(profile), `profile ${profile}`).toBeGreaterThan(2);
  });

  const head = { ...sampleHead(0), seen: 20, resident: 20, sinks: 1, recent: 3 };
  const paying = (...slots: number[]) =>
    new Float32Array(20).map((_, slot) => slots.filter((s) => s === slot).length);
  const options = { frequent: 0.2, local: 0.4 };

  it("finds out how each head attends", async () => {
    const attentionSum = paying(5, 5, 5, 6, 6, 7, 7, 8);
    const profileOf = async (...slots: number[]) =>
      profiled(head, { attentionSum, attentionRecent: paying(...slots) }, options);
    expect(await profileOf(0, 18)).toEqual({ profile: 1, kept: [0, 17, 18, 19] });
    expect(await profileOf(0, 5, 8, 19)).toEqual({ profile: 2, kept: [0, 5, 6, 7, 8, 17, 18, 19] });
    expect(await profileOf(6, 12, 15)).toEqual({
      profile: 3,
      kept: [0, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17, 18, 19],
    });
    expect((await profileOf(2, 9, 15)).kept).toHaveLength(20);
    expect(await profileOf()).toMatchObject({ profile: 0 });
  });

  it("keeps at most what is allowed", async () => {
    const signals = { attentionSum: paying(5, 5, 8), attentionRecent: paying(2, 9, 15) };
    expect((await profiled(head, signals, { ...options, budget: 6 })).kept).toEqual([0, 5, 8, 17, 18, 19]);
  });

  it("asks for the attention of its window", () => {
    expect(needsOf(fastgen, { window: 9 }).attention).toMatchObject({
      window: 9,
      over: "group",
      reduce: "mean",
    });
  });
});
