import { type Device, openDevice } from "@kvasir/kernels";
import { OutOfPagesError } from "@kvasir/paged-memory";
import type { Model } from "@kvasir/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KvMemory, pageTokens } from "./kv-memory.ts";
import { lckvMap } from "./layer-maps.ts";
import { randomModel } from "./random-model.ts";
import type { ReproduceShape } from "./reproduce-shape.ts";
import { StaticBatch } from "./static-batch.ts";

const shape: ReproduceShape = {
  name: "test",
  layers: 4,
  hidden: 32,
  intermediate: 32,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  vocab: 64,
};
/** KV layers of LCKV with 2 warm-up layers, one head each. */
const tables = 3;

let device: Device;
let model: Model;
let kv: KvMemory;
beforeEach(async () => {
  device = openDevice({ onWarning: () => {} });
  model = await randomModel({ shape, layerMap: lckvMap(4, 2), dtype: "f32", device, seed: 1 });
  const bytes = 100 * pageTokens * (2 * 16 * 2 + 8) + 1;
  kv = new KvMemory({ device, bytes, headDim: 16, dtype: "f16" });
});
afterEach(() => {
  kv.dispose();
  model.dispose();
  device.dispose();
});

const keysOf = async (page: number) =>
  (await kv.pages.readSlots("keys", [{ pages: Int32Array.of(page), slots: pageTokens }]))[0]!;

describe("KvMemory", () => {
  it("has as many pages as fit", () => {
    expect(kv.pool.capacity).toBe(100);
    expect(() => new KvMemory({ device, bytes: 1, headDim: 16, dtype: "f16" })).toThrow("one page");
  });

  it("fills every page with the keys of a prompt and leaves none in use", async () => {
    await kv.fill(model, 5);
    expect(kv.pool.usedPages).toBe(0);
    for (let page = 0; page < 100; page++) {
      const keys = await keysOf(page);
      expect(keys.every(Number.isFinite), `page ${page}`).toBe(true);
      expect(Math.max(...keys), `page ${page}`).toBeGreaterThan(0);
    }
  });

  it("fills nothing that is in use", async () => {
    kv.pool.allocateOne();
    await expect(kv.fill(model, 5)).rejects.toThrow("1 pages are in use");
  });
});

describe("StaticBatch", () => {
  const open = (sequences: number, tokens: number) =>
    StaticBatch.open({ model, kv, sequences, tokens, seed: 7 });

  it("takes the pages of whole sequences and gives them back", async () => {
    {
      using batch = await open(8, 50);
      expect(batch.sequences).toBe(8);
      expect(kv.pool.usedPages).toBe(8 * tables * 4);
    }
    expect(kv.pool.usedPages).toBe(0);
    await expect(open(9, 50)).rejects.toThrow(OutOfPagesError);
    expect(kv.pool.usedPages).toBe(0);
  });

  it("writes the slot of a step and no other, at any length", async () => {
    using batch = await open(2, 40);
    expect(await batch.decode(33)).toBeGreaterThan(0);
    const written: number[] = [];
    for (let page = 0; page < 100; page++) {
      const keys = await keysOf(page);
      for (let slot = 0; slot < pageTokens; slot++)
        if (keys.subarray(slot * 16, slot * 16 + 16).some((value) => value !== 0)) written.push(slot);
    }
    expect(written).toEqual(new Array(2 * tables).fill(33 % pageTokens));
  });

  it("encodes prompts and goes on after them", async () => {
    using batch = await open(2, 40);
    expect(await batch.encode(20)).toHaveLength(2);
    const positions = async () => {
      const used = Array.from({ length: 100 }, (_, page) => page).filter(
        (page) => kv.pool.references(page) > 0,
      );
      const slots = await Promise.all(
        used.map(async (page) => {
          const [found] = await kv.pages.readSlots("position", [
            { pages: Int32Array.of(page), slots: pageTokens },
          ]);
          return Math.max(...found!);
        }),
      );
      return Math.max(...slots);
    };
    expect(await positions()).toBe(19);
    await batch.decode(20);
    await batch.decode(21);
    expect(await positions()).toBe(21);
  });

  it("names a length that its sequences have no room for", async () => {
    using batch = await open(1, 40);
    await expect(batch.decode(40)).rejects.toThrow(
      "context: expected a whole number from 0 to 39, received 40",
    );
    await expect(batch.encode(41)).rejects.toThrow(
      "tokens: expected a whole number from 1 to 40, received 41",
    );
  });

  it("stops between chunks when it is told to", async () => {
    using batch = await open(1, 40);
    const stopped = AbortSignal.abort(new Error("enough"));
    await expect(batch.encode(20, 1, stopped)).rejects.toThrow("enough");
  });
});
