import { describe, expect, it } from "vitest";
import { firstOf, guardedSlots, highestFirst, keptBy, sampleHead } from "../sample-attention.ts";
import { keydiff } from "./keydiff.ts";

/** Cosine of each key with the mean of all unit keys, from a list of keys. */
function cosines(keys: readonly (readonly number[])[]): number[] {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, c) => sum + x * b[c]!, 0);
  const units = keys.map((key) => key.map((x) => x / Math.sqrt(dot(key, key))));
  const mean = keys[0]!.map((_, c) => units.reduce((sum, unit) => sum + unit[c]! / keys.length, 0));
  return units.map((unit) => dot(unit, mean) / Math.sqrt(dot(mean, mean)));
}

describe("keydiff", () => {
  it("keeps the keys that are least like the mean direction, as plain loops do", () => {
    for (let seed = 0; seed < 60; seed++) {
      const head = sampleHead(seed);
      const dim = [64, 2, 8, 96][seed % 4]!;
      const common = Array.from({ length: dim }, () => head.random() * (seed % 3));
      const keys = Array.from(head.position, () => {
        const length = 10 ** (head.random() * 8 - 4);
        return common.map((x) => Math.fround(length * (x + head.random() - 0.5)));
      });
      const wanted = [...guardedSlots(head), ...highestFirst(cosines(keys).map((cosine) => -cosine))];
      const flat = Float32Array.from(keys.flat());
      const kept = keptBy(keydiff, head, { keys: flat });
      expect(kept).toEqual(firstOf(wanted, head.budget));
      // Directions are all that counts, however long the keys.
      expect(keptBy(keydiff, head, { keys: flat.map((x) => x * 2 ** 100) })).toEqual(kept);
      expect(keptBy(keydiff, head, { keys: flat.map((x) => x * 2 ** -60) })).toEqual(kept);
    }
  });

  const head = { ...sampleHead(0), seen: 8, resident: 8, sinks: 0, recent: 1, budget: 4 };

  it("keeps what points elsewhere, whatever its length", () => {
    const keys = Float32Array.of(1, 0, 0, 9, 3, 0, -0.1, 0, 1, 0.1, 7, 0, 2, 2, 5, 0);
    expect(keptBy(keydiff, head, { keys })).toEqual([1, 3, 6, 7]);
  });

  it.each([
    ["nothing but zeros", () => 0],
    ["keys that cancel each other", (i: number) => ((i >> 1) % 2 ? 1 : -1)],
    ["the largest numbers there are", (i: number) => (i % 3 ? 3.4e38 : -3.4e38)],
    ["the smallest numbers there are", (i: number) => (i % 3 ? 1.4e-45 : 0)],
    ["both", (i: number) => (i % 5 ? 1.4e-45 : 3.4e38)],
    ["keys that are all the same", () => 0.3],
  ])("scores %s", (_, draw) => {
    const keys = Float32Array.from({ length: 16 }, (_, i) => draw(i));
    expect(keptBy(keydiff, head, { keys })).toHaveLength(4);
  });
});
