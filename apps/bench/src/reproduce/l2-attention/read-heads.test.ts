import { loadModel, openDevice } from "@kvasir/runtime";
import { modelPath } from "@kvasir/tiny-models";
import { expect, test } from "vitest";
import { randomIds } from "../../random-ids.ts";
import { readHeads } from "./read-heads.ts";

const signal = new AbortController().signal;

test("a slot has the attention of the later queries: that of a query is 1, less what queries pay to each other", async () => {
  using device = openDevice();
  using model = await loadModel(modelPath("tiny"), { device });
  const ids = randomIds(41, model.vocabSize, 1);
  const heads = await readHeads(model, ids, 40, signal);
  expect(heads.map((layer) => layer.length)).toEqual(Array.from({ length: 8 }, () => 4));
  for (const { norms, attention } of heads.flat()) {
    expect(norms.length).toBe(40);
    expect(Math.min(...norms)).toBeGreaterThan(0);
    const mass = attention.reduce((sum, share) => sum + share, 0);
    expect(mass).toBeGreaterThan(0);
    expect(mass).toBeLessThan(1);
  }
});

test("more queries are the mean of each of them", async () => {
  using device = openDevice();
  using model = await loadModel(modelPath("tiny"), { device });
  const ids = randomIds(34, model.vocabSize, 2);
  const both = (await readHeads(model, ids, 32, signal)).flat();
  // The second query alone, over 33 slots, of which the first 32 are those that both see.
  const second = (await readHeads(model, ids, 33, signal)).flat();
  const first = (await readHeads(model, ids.subarray(0, 33), 32, signal)).flat();
  for (const [i, { attention }] of both.entries()) {
    for (const [slot, share] of attention.entries()) {
      expect(share).toBeCloseTo((first[i]!.attention[slot]! + second[i]!.attention[slot]!) / 2, 5);
    }
  }
});

test("a signal ends it", async () => {
  using device = openDevice();
  using model = await loadModel(modelPath("tiny"), { device });
  const reason = new Error("enough");
  await expect(readHeads(model, randomIds(8, 300, 1), 4, AbortSignal.abort(reason))).rejects.toBe(reason);
});
