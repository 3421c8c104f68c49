import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { interleave } from "./interleave.ts";

async function* count(from: number, to: number): AsyncGenerator<number, void> {
  for (let at = from; at < to; at += 1) {
    await Promise.resolve();
    yield at;
  }
}

it("yields all values, each iteration's in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 8 }), { maxLength: 8 }), async (lengths) => {
      const seen: number[][] = lengths.map(() => []);
      for await (const { index, value } of interleave(lengths.map((length) => count(0, length)))) {
        seen[index]!.push(value);
      }
      expect(seen).toEqual(lengths.map((length) => Array.from({ length }, (_, at) => at)));
    }),
  );
});

it("does not wait for the slow, nor run ahead of the reader", async () => {
  let asked = 0;
  async function* eager(): AsyncGenerator<string, void> {
    for (;;) {
      asked += 1;
      yield "quick";
    }
  }
  async function* slow(): AsyncGenerator<string, void> {
    await new Promise(() => {});
  }
  const merged = interleave([slow(), eager()]);
  for (let at = 0; at < 3; at += 1) expect((await merged.next()).value).toEqual({ index: 1, value: "quick" });
  await delay(1);
  expect(asked).toBeLessThanOrEqual(5);
});

it("ends all when one throws, and when the reader leaves", async () => {
  let ended = 0;
  async function* watched(): AsyncGenerator<number, void> {
    try {
      yield* count(0, 1000);
    } finally {
      ended += 1;
    }
  }
  async function* broken(): AsyncGenerator<number, void> {
    yield 1;
    throw new Error("broken");
  }
  const drain = async () => {
    for await (const _ of interleave([watched(), broken(), watched()]));
  };
  await expect(drain()).rejects.toThrow("broken");
  for await (const _ of interleave([watched()])) break;
  await delay(1);
  expect(ended).toBe(3);
});
