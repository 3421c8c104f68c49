import { describe, expect, it } from "vitest";
import {
  attentionSignals,
  firstOf,
  guardedSlots,
  highestFirst,
  keptBy,
  type Matrices,
  needsOf,
  newestFirst,
  sampleAttention,
  sampleHead,
} from "../sample-attention.ts";
import { snapkv } from "./snapkv.ts";

/** The paper's rule: votes of the window for each slot before it, pooled over a list that is padded on both sides. */
function votes(matrices: Matrices, window: number, kernel: number, pooling: string): number[] {
  const [seen, resident] = [matrices[0]!.length, matrices[0]![0]!.length];
  const before = Math.max(0, resident - window);
  const sums: number[] = [];
  for (let slot = 0; slot < before; slot++)
    sums.push(
      matrices
        .flatMap((matrix) => matrix.slice(Math.max(0, seen - window)))
        .reduce((sum, row) => sum + row[slot]!, 0),
    );
  const empty = pooling === "avg" ? 0 : Number.NEGATIVE_INFINITY;
  const half = Math.floor(kernel / 2);
  const padded = [...Array<number>(half).fill(empty), ...sums, ...Array<number>(kernel).fill(empty)];
  return sums.map((_, slot) => {
    const around = padded.slice(slot, slot + kernel);
    return pooling === "avg" ? around.reduce((a, b) => a + b) / kernel : Math.max(...around);
  });
}

describe("snapkv", () => {
  it.each(["avg", "max"])(
    "keeps the window and what it votes for as plain loops do, pooling: %s",
    (pooling) => {
      for (let seed = 0; seed < 40; seed++) {
        const head = sampleHead(seed);
        const matrices = sampleAttention(head, 1 + (seed % 3));
        const window = [8, 1, 32, 200][seed % 4]!;
        const kernel = [7, 5, 1, 4, 31][seed % 5]!;
        const wanted = [
          ...guardedSlots(head),
          ...newestFirst(head.resident).slice(0, window),
          ...highestFirst(votes(matrices, window, kernel, pooling)),
        ];
        const signals = attentionSignals(matrices, head.position, window);
        const kept = keptBy(snapkv, head, signals, { window, kernel, pooling });
        expect(kept).toEqual(firstOf(wanted, head.budget));
      }
    },
  );

  it("keeps the surroundings of what is attended to", () => {
    const attentionRecent = Float32Array.of(0, 0, 9, 0, 0, 4, 0, 5, 0, 6, 7, 8);
    const head = { ...sampleHead(0), seen: 12, resident: 12, sinks: 0, recent: 1, budget: 8 };
    const options = { window: 2, kernel: 3 };
    // The window is 10 and 11. Pooled: 0 9 9 9 4 4 5 5 6 6; there is room for one of the fives.
    expect(keptBy(snapkv, head, { attentionRecent }, options)).toEqual([1, 2, 3, 7, 8, 9, 10, 11]);
    // Means, times 3: 0 9 9 9 4 4 9 5 11 6.
    expect(keptBy(snapkv, head, { attentionRecent }, { ...options, pooling: "avg" })).toEqual([
      1, 2, 3, 6, 8, 9, 10, 11,
    ]);
    expect(keptBy(snapkv, head, { attentionRecent }, { ...options, kernel: 1, budget: 5 })).toEqual([
      2, 7, 9, 10, 11,
    ]);
  });

  it("chooses once, and leaves generated tokens alone unless told", () => {
    const attentionRecent = new Float32Array(20);
    const head = { ...sampleHead(0), seen: 20, resident: 20, sinks: 0, recent: 1, budget: 8 };
    const place = { phase: "decode" } as const;
    expect(keptBy(snapkv, head, { attentionRecent }, {}, place)).toHaveLength(20);
    expect(keptBy(snapkv, head, { attentionRecent }, { decode: true }, place)).toHaveLength(8);
  });

  it("asks for the attention of its window", () => {
    expect(needsOf(snapkv, { window: 9 }).attention).toMatchObject({
      window: 9,
      over: "group",
      reduce: "mean",
    });
  });
});
