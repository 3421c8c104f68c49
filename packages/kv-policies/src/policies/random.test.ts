import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyOptions } from "../options.ts";
import { keptBy, sampleHead } from "../sample-attention.ts";
import { random } from "./random.ts";

const environment = { layers: 32, heads: 8, pageTokens: 4, signals: ["position"] } as const;
const positions = (count: number) => new Float32Array(count).map((_, slot) => slot);

/** The tokens that a head keeps of those at some positions: all but the newest are drawn. */
function sample(position: Float32Array, options: PolicyOptions, layer = 0, head = 0): number[] {
  const policy = createPolicy(random, { sinks: 0, recent: 1, ...options }, environment);
  const [resident, seen] = [position.length, position.at(-1)! + 1];
  const query = { layer, head, phase: "prefill", resident, seen, signals: { position } } as const;
  return [...policy.select(query)].map((slot) => position[slot]!);
}

/** How far counts are from an equal share of each: of samples without replacement, chi-squared with one less degrees. */
function chiSquare(counts: readonly number[], samples: number, share: number): number {
  const variance = samples * share * (1 - share);
  const sum = counts.reduce((total, count) => total + (count - samples * share) ** 2 / variance, 0);
  return (sum * (counts.length - 1)) / counts.length;
}

describe("random", () => {
  it("draws the same sample for the same seed, and as many tokens as it may keep", () => {
    for (let seed = 0; seed < 40; seed++) {
      const head = sampleHead(seed);
      const kept = keptBy(random, head, { position: head.position }, { seed });
      expect(kept).toHaveLength(head.budget);
      expect(keptBy(random, head, { position: head.position }, { seed })).toEqual(kept);
    }
    expect(sample(positions(100), {})).toHaveLength(50);
  });

  it("draws other samples for other seeds, layers and heads: they share what chance would have them share", () => {
    const samples = [
      ...Array.from({ length: 100 }, (_, seed) => sample(positions(401), { seed: seed * 655, budget: 201 })),
      ...Array.from({ length: 256 }, (_, i) => sample(positions(401), { budget: 201 }, i >> 3, i % 8)),
    ];
    expect(new Set(samples.map(String)).size).toBe(samples.length);
    for (const [i, one] of samples.entries()) {
      const tokens = new Set(samples[(i + 1) % samples.length]);
      // 400 tokens, of which each draws 200: 100 are shared, give or take 5.
      const shared = one.filter((token) => tokens.has(token) && token < 400).length;
      expect(Math.abs(shared - 100), `samples ${i} and ${i + 1}`).toBeLessThan(30);
    }
  });

  it.each([
    { of: "seeds", draw: (i: number) => sample(positions(101), { budget: 26, seed: i * 31 }) },
    { of: "heads", draw: (i: number) => sample(positions(101), { budget: 26 }, i % 32, (i >> 5) % 8) },
    {
      of: "late texts",
      draw: (i: number) =>
        sample(
          positions(101).map((at) => at + 1000 * i),
          { budget: 26 },
        ).map((at) => at - 1000 * i),
    },
  ])("gives every token the same chance, over $of", ({ draw }) => {
    const counts = new Array<number>(101).fill(0);
    const samples = 256;
    for (let i = 0; i < samples; i++) for (const token of draw(i)) counts[token]! += 1;
    expect(counts.pop()).toBe(samples); // the newest
    // 99 degrees of freedom: 99 on average, with a deviation of 14; too even would be no chance, either.
    const distance = chiSquare(counts, samples, 0.25);
    expect(distance).toBeGreaterThan(40);
    expect(distance).toBeLessThan(170);
  });

  it("keeps what it would have kept at once, when it evicts in steps", () => {
    for (let seed = 0; seed < 20; seed++) {
      const some = Float32Array.from(sample(positions(300), { seed, budget: 150 }));
      const fewer = sample(some, { seed, budget: 40 });
      expect(fewer).toEqual(sample(positions(300), { seed, budget: 40 }));
    }
  });
});
