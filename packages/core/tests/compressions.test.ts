import { definePolicy, perPhase, streamingLlm } from "@kvasir/kv-policies";
import { expect, test, vi } from "vitest";
import { Engine, type GenerateRequest } from "../src/index.ts";
import { checkpoint, recordedPrompt } from "./checkpoints.ts";
import { WatchedEngine } from "./watched-engine.ts";

const model = checkpoint("llama-gqa");
const kvCache = { memory: "16MiB", dtype: "f32" } as const;
const prompt = recordedPrompt(model);
const normal = { prompt, maxTokens: 200, temperature: 0, ignoreEos: true } as const;
const small = { budget: 24, sinks: 0, recent: 4, protectLayers: [] };

/** Turns of the event loop, counted until told to stop. */
function countTurns(): { stop(): number } {
  let turns = 0;
  let counting = true;
  const tick = () => {
    turns += 1;
    if (counting) setImmediate(tick);
  };
  setImmediate(tick);
  return {
    stop() {
      counting = false;
      return turns;
    },
  };
}

test("while a prompt is compressed by its keys, head by head, the event loop turns and others go on", async () => {
  await using engine = await Engine.load({ model, kvCache, integrity: "step" });
  const heads = engine.info.kvLayers * engine.info.kvHeads;
  const seen: { steps: number; turns: number }[] = [];
  let counter = countTurns();
  const slow = definePolicy({
    name: "slow",
    signals: ["keys"],
    score({ keys, resident }) {
      seen.push({ steps: engine.stats().steps, turns: counter.stop() });
      counter = countTurns();
      const end = performance.now() + 5;
      while (performance.now() < end);
      return keys.subarray(0, resident);
    },
  });
  const alone = await engine.complete(normal);
  const other = engine.complete(normal);
  const compressed = engine.complete({ ...normal, maxTokens: 2, kvCache: { policy: slow, ...small } });
  expect((await compressed).ids).toHaveLength(2);
  expect((await other).ids).toEqual(alone.ids);
  counter.stop();
  expect(seen.length).toBeGreaterThanOrEqual(heads);
  for (const { turns } of seen.slice(1)) expect(turns).toBeGreaterThan(0);
  expect(seen.at(-1)!.steps - seen[0]!.steps).toBeGreaterThan(1);
});

test("a policy that never answers holds up its own request only, which can be ended", async () => {
  await using engine = await Engine.load({ model, kvCache, integrity: "step" });
  const never = definePolicy({
    name: "never",
    signals: ["keyNorm"],
    profile: () => new Promise<Float32Array>(() => {}),
    score: ({ keyNorm }) => keyNorm,
  });
  const alone = await engine.complete({ ...normal, maxTokens: 20 });
  const controller = new AbortController();
  const request: GenerateRequest = {
    ...normal,
    signal: controller.signal,
    kvCache: { policy: never, ...small },
  };
  const held = engine.complete(request);
  const ends = expect(held).rejects.toBe("enough");
  expect((await engine.complete({ ...normal, maxTokens: 20 })).ids).toEqual(alone.ids);
  expect(engine.stats().running).toBe(1);
  controller.abort("enough");
  await ends;
  await expect.poll(() => engine.stats()).toMatchObject({ running: 0, usedPages: 0, signalBytes: 0 });
});

test("an engine that is disposed while prompts are compressed settles them", async () => {
  for (let turns = 0; turns < 40; turns += 2) {
    const engine = await Engine.load({ model, kvCache, integrity: "step", onWarning: () => {} });
    const policy = definePolicy({
      name: "reads-much",
      signals: ["keys", "attentionExpected", "attentionSum"],
      allocate: async ({ layers, heads, signals }) => {
        const shares = new Float32Array(layers * heads).fill(1);
        for (let layer = 0; layer < layers; layer++) await signals(layer, 0);
        return shares;
      },
      score: ({ attentionExpected }) => attentionExpected,
    });
    const requests = [0, 1, 2].map(() => engine.complete({ ...normal, kvCache: { policy, ...small } }));
    const settled = Promise.allSettled(requests);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    await engine.dispose();
    for (const one of await settled) expect(one).toMatchObject({ reason: { code: "disposed" } });
    expect(engine.stats()).toMatchObject({ running: 0, usedPages: 0, signalBytes: 0 });
  }
});

test("the newest queries of a sequence are counted while it runs, and where there is no memory for them it fails", async () => {
  await using engine = await WatchedEngine.load({ model, kvCache });
  const policy = definePolicy({
    name: "recent",
    signals: ["attentionRecent"],
    attention: () => ({ window: 10 }),
    score: ({ attentionRecent }) => attentionRecent,
  });
  const request = { ...normal, maxTokens: 20, kvCache: { policy, ...small } };
  const one = await engine.prepare(request);
  const bytes: (number | undefined)[] = [];
  await engine.run(one, () => bytes.push(one.sequence.queries?.bytes));
  // 6 layers of 4 heads of 16 numbers, and a position.
  expect(bytes[0]).toBe(10 * (6 * 4 * 16 + 1) * 4);
  expect(one.sequence.queries).toBeUndefined();

  const { model: loaded } = engine.parts;
  loaded.queryWindow = () => {
    throw new Error("no more");
  };
  const refused = await engine.prepare(request);
  const failing = engine.run(refused, () => {});
  await expect(failing).rejects.toMatchObject({ code: "overloaded", message: /10 newest queries.*no more/ });
  const plain = await engine.prepare({ ...normal, maxTokens: 3 });
  expect(await engine.run(plain, () => {})).toHaveLength(3);
  expect(engine.parts.pool.usedPages).toBe(0);
});

test.each([
  ["llama-gqa", {}, false],
  ["cla2", {}, true],
  ["yoco", {}, true],
  ["cla2", { decode: false, protectLayers: [0, 1], budget: 1 }, false],
  ["llama-gqa", { prefill: "chunk" }, true],
] as const)(
  "%s, %o: chunks run whole where attention that is added up depends on them: %s",
  async (...row) => {
    const [name, options, whole] = row;
    await using engine = await WatchedEngine.load({ model: checkpoint(name), kvCache });
    const prepare = async (policy: string) =>
      (await engine.prepare({ prompt, kvCache: { policy, ...small, ...options } })).sequence.wholeChunks;
    expect(await prepare("h2o")).toBe(whole);
    expect(await prepare("l2-norm")).toBe("prefill" in options);
  },
);

test("attention is read as of the sequence's next position, with its sinks", async () => {
  await using engine = await WatchedEngine.load({ model, kvCache, chunkTokens: 16 });
  const expected = definePolicy({
    name: "expected",
    signals: ["attentionExpected", "attentionLast", "attentionCount"],
    attention: () => ({ window: 10, reduce: "max", threshold: 2, future: 99 }),
    score: ({ attentionExpected }) => attentionExpected,
  });
  const policy = perPhase(expected, streamingLlm);
  const request = { ...normal, maxTokens: 3, kvCache: { policy, budget: 24, sinks: 2, recent: 4 } };
  const reads = vi.spyOn(engine.parts.model, "readAttention");
  const one = await engine.prepare(request);
  await engine.run(one, () => {});
  const all = reads.mock.calls.flatMap(([, list]) => list);
  const same = {
    position: prompt.length,
    slots: prompt.length,
    sinks: 2,
    reduce: "max",
    threshold: 2,
    future: 99,
  };
  expect(all).toHaveLength(3 * 12);
  for (const read of all) expect(read).toMatchObject(same);
  expect(all.slice(0, 3)).toMatchObject([
    { kvLayer: 0, kvHead: 0, measure: "expected", window: 10 },
    { kvLayer: 0, kvHead: 0, measure: "sum", window: 1 },
    { kvLayer: 0, kvHead: 0, measure: "count", window: 10 },
  ]);
  expect(all.slice(-1)).toMatchObject([{ kvLayer: 5, kvHead: 1 }]);
});

test("where values are merged, compactions name every slot that stays and how many there were", async () => {
  await using engine = await WatchedEngine.load({ model, kvCache });
  const compact = vi.spyOn(engine.parts.memory, "compact");
  const policy = "merge+l2-norm";
  const request = { ...normal, maxTokens: 20, kvCache: { policy, ...small, mergeThreshold: 0.3 } };
  const one = await engine.prepare(request);
  await engine.run(one, () => {});
  const compactions = compact.mock.calls.flatMap(([heads]) => heads);
  expect(compactions).toHaveLength(one.cuts.length);
  expect(compactions.length).toBeGreaterThan(12);
  compactions.forEach(({ source, keep, destination, merge }, i) => {
    const { kept, seen } = one.cuts[i]!;
    expect(keep).toEqual(kept);
    expect(destination).toEqual(source.subarray(0, destination.length));
    expect(merge!.threshold).toBe(0.3);
    expect(Math.ceil(merge!.slots / 16)).toBe(source.length);
    if (i < 12) expect([merge!.slots, seen]).toEqual([prompt.length, prompt.length]);
  });
});

test("attention is added up at a temperature that goes from the prompt's to the last token's", async () => {
  await using engine = await WatchedEngine.load({ model, kvCache });
  const policy = definePolicy({
    name: "cooling",
    signals: ["attentionSum"],
    attention: () => ({ reduce: "max", noiseSeed: 5, temperature: [1, 3] }),
    score: ({ attentionSum }) => attentionSum,
  });
  const request = { ...normal, maxTokens: 10, kvCache: { policy, ...small } };
  const { sequence } = await engine.prepare(request);
  const at = (position: number) => sequence.collection(position);
  const rest = { reduce: "max", noiseSeed: 5 };
  expect(at(0)).toEqual({ ...rest, temperature: 1 });
  expect(at(prompt.length - 1)).toEqual({ ...rest, temperature: 1 });
  expect(at(prompt.length)).toEqual({ ...rest, temperature: 1.2 });
  expect(at(prompt.length + 9)).toEqual({ ...rest, temperature: 3 });
  const { sequence: full } = await engine.prepare(normal);
  expect(full.collection(0)).toBeUndefined();
});

test("a policy that sizes itself gives back the pages that it did not keep for its prompt", async () => {
  await using engine = await WatchedEngine.load({ model, kvCache });
  const policy = definePolicy({
    name: "few",
    signals: [],
    sizesItself: true,
    select: ({ resident }) => Int32Array.from({ length: 16 }, (_, i) => resident - 16 + i),
  });
  const request = { ...normal, maxTokens: 20, kvCache: { policy, sinks: 0, recent: 4 } };
  const one = await engine.prepare(request);
  const used: number[] = [];
  await engine.run(one, () => used.push(engine.parts.pool.usedPages));
  // 12 heads: the 16 that were kept, then up to 20 new ones.
  expect(used.slice(0, 2)).toEqual([12 * 3, 12 * 2]);
  expect(Math.max(...used)).toBeLessThanOrEqual(12 * 3);
  expect(prompt).toHaveLength(40);
});

test.each([
  ["snapkv", {}, 0],
  ["snapkv", { decode: true }, 1],
  ["duo-attention", {}, 0],
  ["snapkv>h2o", {}, 0],
  ["h2o>snapkv", { decode: true }, 1],
] as const)(
  "%s, %o: queries are kept while decoding only where they are read: %i windows",
  async (policy, options, kept) => {
    await using engine = await WatchedEngine.load({ model, kvCache });
    const request = { ...normal, maxTokens: 6, kvCache: { policy, ...small, ...options } };
    const one = await engine.prepare(request);
    const windows: number[] = [];
    await engine.run(one, () => windows.push(one.sequence.queries ? 1 : 0));
    expect([windows[0], windows.at(-2)]).toEqual([1, kept]);
  },
);

test.each([
  ["h2o", {}, true],
  ["h2o", { decode: false }, false],
  ["h2o>snapkv", {}, false],
  ["full>h2o", {}, true],
] as const)("%s, %o: attention is added up beyond the prompt: %s", async (policy, options, isKept) => {
  await using engine = await WatchedEngine.load({ model, kvCache });
  const { sequence } = await engine.prepare({ ...normal, kvCache: { policy, ...small, ...options } });
  expect(sequence.collection(prompt.length - 1)).toBeDefined();
  expect(sequence.collection(prompt.length) !== undefined).toBe(isKept);
});

test("queries of all sequences take no more memory than pages do: others wait, and one alone may", async () => {
  for (const [memory, most] of [
    ["2MiB", 2],
    ["256KiB", 1],
  ] as const) {
    await using engine = await Engine.load({ model, kvCache: { memory, dtype: "f32" }, integrity: "step" });
    const bytes: number[] = [];
    const watched = definePolicy({
      name: "watched",
      signals: ["attentionRecent"],
      attention: () => ({ window: 512 }),
      score({ attentionRecent }) {
        bytes.push(engine.stats().signalBytes);
        return attentionRecent;
      },
    });
    const request = { ...normal, maxTokens: 20, kvCache: { policy: watched, ...small } };
    const answers = await Promise.all(Array.from({ length: 5 }, () => engine.complete(request)));
    for (const { ids } of answers) expect(ids).toEqual(answers[0]!.ids);
    expect(Math.max(...bytes)).toBe(most * 512 * (6 * 4 * 16 + 1) * 4);
  }
});
