import { describe, expect, it } from "vitest";
import {
  firstOf,
  guardedSlots,
  keptBy,
  newestFirst,
  type SampleHead,
  sampleHead,
} from "../sample-attention.ts";
import { lagkv } from "./lagkv.ts";

type Rows = readonly (readonly number[])[];

const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

/** Softmax over some vectors of the sample deviation (as torch has it) of each, scaled by the range of reference vectors. */
function scoresOf(rows: Rows, reference: Rows): number[] {
  const column = (c: number) => reference.map((row) => row[c]!);
  const deviations = rows.map((row) => {
    const scaled = row.map((x, c) => {
      const [low, high] = [Math.min(...column(c)), Math.max(...column(c))];
      return (x - low) / (high - low);
    });
    const mean = sum(scaled) / scaled.length;
    return Math.sqrt(sum(scaled.map((x) => (x - mean) ** 2)) / (scaled.length - 1));
  });
  return deviations.map((x) => 1 / sum(deviations.map((y) => Math.exp(y - x))));
}

/** The slots of each partition that has one after it, from the best to the worst; and the slots after those. */
function partitions(keys: Rows, values: Rows, sinks: number, lag: number) {
  const ordered: number[][] = [];
  let isClose = false; // two scores may be equal but for rounding, as where a softmax is 0 and 1
  let first = sinks;
  for (; first + 2 * lag <= keys.length; first += lag) {
    const [of, next] = [
      [first, first + lag],
      [first + lag, first + 2 * lag],
    ] as const;
    const ofKeys = scoresOf(keys.slice(...of), keys.slice(...next));
    const ofValues = scoresOf(values.slice(...of), values.slice(...next));
    const total = ofKeys.map((score, i) => score + ofValues[i]!);
    const order = newestFirst(lag).sort((a, b) => total[b]! - total[a]!);
    isClose ||= order.some((i, rank) => rank > 0 && total[order[rank - 1]!]! - total[i]! < 1e-12);
    ordered.push(order.map((i) => first + i));
  }
  return { ordered, isClose, tail: newestFirst(keys.length).filter((slot) => slot >= first) };
}

function sampleVectors({ random, resident }: SampleHead, dim: number, spread: number): number[][] {
  return Array.from({ length: resident }, () =>
    Array.from({ length: dim }, () => Math.fround((random() - 0.5) * 10 ** (random() * spread))),
  );
}

const flat = (rows: Rows) => Float32Array.from(rows.flat());

describe("lagkv", () => {
  it("keeps as many of each partition as fit beside the tail, as plain loops do", () => {
    let compared = 0;
    for (let seed = 0; seed < 80; seed++) {
      const head = sampleHead(seed);
      const lag = [4, 8, 2, 13, 40][seed % 5]!;
      const keys = sampleVectors(head, [64, 2, 7][seed % 3]!, seed % 4);
      const values = sampleVectors(head, [64, 5, 2, 32][seed % 4]!, seed % 3);
      const { ordered, isClose, tail } = partitions(keys, values, head.sinks, lag);
      if (isClose) continue;
      // The best of each partition, then the second best of each, always the newest partition first.
      const turns = Array.from({ length: lag }, (_, i) => ordered.map((slots) => slots[i]!).reverse());
      const wanted = [...guardedSlots(head), ...tail, ...turns.flat()];
      const kept = keptBy(lagkv, head, { keys: flat(keys), values: flat(values) }, { lag });
      expect(kept, `seed ${seed}`).toEqual(firstOf(wanted, head.budget));
      compared += ordered.length;
    }
    expect(compared).toBeGreaterThan(300);
  });

  it("keeps the half of each partition that the authors' code keeps", () => {
    for (let seed = 0; seed < 40; seed++) {
      const [lag, sinks] = [8, 3];
      const drawn = sampleHead(seed);
      const resident = Math.max(drawn.resident, sinks + 2 * lag);
      const vectors = sampleVectors({ ...drawn, resident }, 16, 2);
      const { ordered, isClose, tail } = partitions(vectors, vectors, sinks, lag);
      expect(isClose).toBe(false);
      const halves = ordered.flatMap((slots) => slots.slice(0, lag / 2));
      const budget = sinks + halves.length + tail.length;
      const head = { ...drawn, seen: resident, resident, sinks, recent: 1, budget };
      const kept = keptBy(lagkv, head, { keys: flat(vectors), values: flat(vectors) }, { lag });
      expect(kept).toEqual([0, 1, 2, ...halves, ...tail].sort((a, b) => a - b));
    }
  });

  const head = { ...sampleHead(0), seen: 6, resident: 6, sinks: 0, recent: 1, budget: 4 };

  it("keeps what stands out from the range of what follows", () => {
    // Scaled to what follows, channels of slots 0 and 2 agree (both at the top; both at the middle), of 1 and 3 not.
    const keys = Float32Array.of(3, 30, 1, 30, 2, 20, 3, 10, 1, 10, 3, 30);
    expect(keptBy(lagkv, head, { keys, values: new Float32Array(6) }, { lag: 2 })).toEqual([1, 3, 4, 5]);
    expect(keptBy(lagkv, head, { keys: new Float32Array(6), values: keys }, { lag: 2 })).toEqual([
      1, 3, 4, 5,
    ]);
  });

  it("keeps the newest of each partition where nothing stands out", () => {
    const keys = new Float32Array(12).fill(1);
    const longer = { ...head, seen: 12, resident: 12, budget: 8 };
    expect(keptBy(lagkv, longer, { keys, values: keys }, { lag: 4 })).toEqual([2, 3, 6, 7, 8, 9, 10, 11]);
  });

  it("keeps the newest of a text of less than two partitions", () => {
    const keys = Float32Array.of(9, -9, 3, 4, 5, 6);
    expect(keptBy(lagkv, head, { keys, values: keys }, { lag: 4 })).toEqual([2, 3, 4, 5]);
  });

  it.each([
    ["nothing but zeros", () => 0],
    ["vectors that are all the same", () => 0.3],
    ["the largest numbers there are", (i: number) => (i % 3 ? 3.4e38 : -3.4e38)],
    ["the smallest numbers there are", (i: number) => (i % 3 ? 1.4e-45 : 0)],
    ["the largest, to the range of the smallest", (i: number) => (i < 80 ? 3.4e38 * (-1) ** i : i * 1.4e-45)],
  ])("scores %s", (_, draw) => {
    const large = { ...head, seen: 40, resident: 40, budget: 20 };
    const vectors = Float32Array.from({ length: 160 }, (_, i) => draw(i));
    for (const lag of [2, 5, 10, 20])
      for (const values of [vectors, vectors.slice(0, 40)])
        expect(keptBy(lagkv, large, { keys: vectors, values }, { lag })).toHaveLength(20);
  });
});
