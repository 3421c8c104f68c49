import { describe, expect, it } from "vitest";
import {
  firstOf,
  guardedSlots,
  highestFirst,
  keptBy,
  type SampleHead,
  sampleHead,
} from "../sample-attention.ts";
import { generator } from "../sample-signals.ts";
import { cascadingKv } from "./cascading-kv.ts";

/** Which slots win a place of the windows: of every aligned group within each window the one that received most. */
function winners(
  { position, seen, sinks, budget }: SampleHead,
  cascades: number,
  received: readonly number[],
): number[] {
  const places = Math.max(1, Math.floor((budget - sinks) / cascades));
  const won: number[] = [];
  let youngest = 0;
  for (let cascade = 0; cascade < cascades; cascade++) {
    const size = 2 ** cascade;
    const oldest = cascade === cascades - 1 ? seen - 1 : Math.min(seen - 1, youngest + places * size - 1);
    const groups = new Map<number, number[]>();
    for (let age = youngest; age <= oldest; age++) {
      const token = seen - 1 - age;
      const slot = position.indexOf(token);
      const group = Math.floor(token / size);
      if (slot >= sinks) groups.set(group, [...(groups.get(group) ?? []), slot]); // newest first
    }
    for (const slots of groups.values())
      won.push(slots.reduce((best, slot) => (received[slot]! > received[best]! ? slot : best)));
    youngest = oldest + 1;
  }
  return won.sort((a, b) => b - a);
}

/** How many of some tokens have an age in `from..to - 1`, at the end of a text. */
function ofAge(tokens: readonly number[], seen: number, from: number, to: number): number {
  return tokens.filter((token) => seen - 1 - token >= from && seen - 1 - token < to).length;
}

describe("cascading-kv", () => {
  it("keeps the winner of each place and then what received most, as plain loops do", () => {
    for (let seed = 0; seed < 120; seed++) {
      const head = sampleHead(seed);
      const cascades = [4, 1, 2, 3, 6, 16][seed % 6]!;
      const attentionSum = head.position.map((token) => head.random() ** 4 * (head.seen - token));
      const received = Array.from(attentionSum, (sum, slot) => sum / (head.seen - head.position[slot]!));
      const wanted = [...guardedSlots(head), ...winners(head, cascades, received), ...highestFirst(received)];
      const kept = keptBy(cascadingKv, head, { position: head.position, attentionSum }, { cascades });
      expect(kept, `seed ${seed}`).toEqual(firstOf(wanted, head.budget));
    }
  });

  it("keeps every token, one in two, and one in four, as they grow old", () => {
    const random = generator(3);
    for (const seen of [4096, 3001, 2222]) {
      const position = new Float32Array(seen).map((_, slot) => slot);
      const attentionSum = position.map((token) => random() * (seen - token));
      const head = { ...sampleHead(0), seen, resident: seen, position, sinks: 4, recent: 1, budget: 260 };
      const kept = keptBy(cascadingKv, head, { position, attentionSum }, { cascades: 4 });
      expect(kept.slice(0, 4)).toEqual([0, 1, 2, 3]);
      // 64 places a window. A group that a window's end cuts has a place on either side, so there may be one more.
      const tokens = kept.slice(4);
      expect(ofAge(tokens, seen, 0, 64)).toBe(64);
      for (const [from, to, size] of [
        [64, 192, 2],
        [192, 448, 4],
      ] as const) {
        const count = ofAge(tokens, seen, from, to);
        expect([64, 65]).toContain(count);
        const groups = tokens
          .filter((token) => ofAge([token], seen, from, to) === 1)
          .map((token) => Math.floor(token / size));
        expect(new Set(groups).size).toBe(count);
      }
      const old = tokens.filter((token) => seen - 1 - token >= 448);
      expect(new Set(old.map((token) => Math.floor(token / 8))).size).toBe(old.length);
      expect(Math.min(...old)).toBeGreaterThanOrEqual(seen - 960 - 8);
    }
  });

  it("thins out a text that grows page by page as one that is there at once", () => {
    const random = generator(8);
    const mean = Array.from({ length: 3000 }, () => random());
    let tokens: number[] = [];
    const [budget, page] = [132, 4];
    for (let seen = 1; seen <= mean.length; seen++) {
      tokens.push(seen - 1);
      if (tokens.length < budget + page) continue;
      const position = Float32Array.from(tokens);
      const attentionSum = position.map((token) => mean[token]! * (seen - token));
      const head = { ...sampleHead(0), seen, resident: tokens.length, position, sinks: 4, recent: 1, budget };
      const signals = { position, attentionSum };
      const kept = keptBy(cascadingKv, head, signals, { cascades: 4 }, { phase: "decode" });
      tokens = kept.map((slot) => tokens[slot]!);
    }
    const seen = mean.length;
    expect(ofAge(tokens, seen, 0, 32)).toBe(32);
    const counts = [ofAge(tokens, seen, 32, 96), ofAge(tokens, seen, 96, 224), ofAge(tokens, seen, 224, 480)];
    for (const count of counts) expect(Math.abs(count - 32), String(counts)).toBeLessThanOrEqual(3);
    // Of two neighbours, the one stays that received more.
    const paired = tokens.filter((token) => ofAge([token], seen, 32 + 8, 96 - 8) === 1);
    for (const token of paired) expect(mean[token]!).toBeGreaterThanOrEqual(mean[token ^ 1]!);
  });

  it("has a place for each of the newest and for every other of those before", () => {
    // 3 places a window: tokens 9..11 have one each, then 8, 6 and 7, 4 and 5, and those before are too old.
    const position = new Float32Array(12).map((_, slot) => slot);
    const mean = [0, 0.9, 0.8, 0.7, 0.3, 0.2, 0.125, 0.125, 0, 0, 0, 0];
    const attentionSum = position.map((token) => mean[token]! * (12 - token));
    const head = { ...sampleHead(0), seen: 12, resident: 12, sinks: 1, recent: 1, budget: 7 };
    const signals = { position, attentionSum };
    expect(keptBy(cascadingKv, head, signals, { cascades: 2 })).toEqual([0, 4, 7, 8, 9, 10, 11]);
    expect(keptBy(cascadingKv, head, signals, { cascades: 1 })).toEqual([0, 6, 7, 8, 9, 10, 11]);
  });

  it("fills places that nothing takes with what received most", () => {
    // 3 places a window, of which the second has 8 and the sinks before it: 2 are free.
    const position = Float32Array.of(0, 8, 9, 20, 21, 22, 24, 25, 26);
    const attentionSum = Float32Array.of(0, 5, 6, 3, 4, 1, 1, 1, 1);
    const head = { ...sampleHead(0), seen: 27, resident: 9, sinks: 1, recent: 1, budget: 8 };
    expect(keptBy(cascadingKv, head, { position, attentionSum }, { cascades: 2 })).toEqual(
      firstOf([0, 8, 7, 6, 5, 4, 2, 3], 8),
    );
  });

  it("goes by age alone where nothing was attended to, or all to one", () => {
    const position = new Float32Array(12).map((_, slot) => slot);
    const head = { ...sampleHead(0), seen: 12, resident: 12, sinks: 1, recent: 1, budget: 7 };
    for (const attentionSum of [new Float32Array(12), new Float32Array(12).fill(3e38, 2, 3)]) {
      const kept = keptBy(cascadingKv, head, { position, attentionSum }, { cascades: 2 });
      expect(kept).toEqual([0, 5, 7, 8, 9, 10, 11]);
    }
  });
});
