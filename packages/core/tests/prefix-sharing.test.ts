import { describe, expect, test } from "vitest";
import { Engine, type EngineOptions, type GenerateRequest } from "../src/index.ts";
import { checkpoint, recordedPrompt, tiny, tinyLckv } from "./checkpoints.ts";
import { outcome } from "./outcome.ts";

const greedy = { maxTokens: 20, temperature: 0, ignoreEos: true, logprobs: 2 } as const;
const load = (options: EngineOptions) =>
  Engine.load({ integrity: "step", onWarning: (text) => expect.fail(text), ...options });

const promptOf = (model: string, length: number, step = 1): number[] => {
  const recorded = recordedPrompt(model);
  return Array.from({ length }, (_, i) => recorded[(i * step) % recorded.length]!);
};

describe.each<[string, Partial<EngineOptions> & { model: string }]>([
  ["tiny", { model: tiny }],
  ["tiny in q8_0", { model: tiny, weights: "q8_0" }],
  ["llama-gqa", { model: checkpoint("llama-gqa") }],
  ["yoco", { model: checkpoint("yoco") }],
  ["cla2", { model: checkpoint("cla2") }],
])("%s", (_, loaded) => {
  const options = { ...loaded, kvCache: { memory: "16MiB" } } as const;
  const prompt = promptOf(loaded.model, 75);

  test("an answer is the same, to the last bit, cold and warm, and warm it computes little", async () => {
    await using engine = await load(options);
    const cold = await engine.complete({ prompt, ...greedy });
    expect(cold.usage.cachedTokens).toBe(0);
    const before = engine.stats();
    const warm = await engine.complete({ prompt, ...greedy });
    expect(outcome(warm)).toEqual(outcome(cold));
    expect(warm.usage.cachedTokens).toBe(prompt.length - 1);
    expect(engine.stats().promptTokens - before.promptTokens).toBe(1);
    expect(engine.stats()).toMatchObject({
      usedPages: 0,
      prefixQueryTokens: 2 * prompt.length,
      prefixHitTokens: prompt.length - 1,
    });
  });

  test("a prompt that goes on from an answer begins with the answer's keys and values", async () => {
    await using engine = await load(options);
    const first = await engine.complete({ prompt, ...greedy });
    const next = [...prompt, ...first.ids, ...promptOf(loaded.model, 20, 3)];
    const warm = await engine.complete({ prompt: next, ...greedy });
    // The last token that was generated has no keys yet.
    expect(warm.usage.cachedTokens).toBe(Math.floor((prompt.length + first.ids.length - 1) / 16) * 16);
    await using fresh = await load(options);
    expect(outcome(warm)).toEqual(outcome(await fresh.complete({ prompt: next, ...greedy })));
  });

  test("prompts that part inside a block share that block up to there, by copy", async () => {
    await using engine = await load(options);
    const parted = [...prompt.slice(0, 37), ...promptOf(loaded.model, 30, 5)];
    const [cold, other] = [
      await engine.complete({ prompt, ...greedy }),
      await engine.complete({ prompt: parted, ...greedy }),
    ];
    expect(other.usage.cachedTokens).toBeGreaterThanOrEqual(37);
    await using fresh = await load(options);
    expect(outcome(other)).toEqual(outcome(await fresh.complete({ prompt: parted, ...greedy })));
    expect(outcome(await engine.complete({ prompt, ...greedy }))).toEqual(outcome(cold));
  });

  test("requests that come together compute a common prefix once", async () => {
    await using engine = await load({ ...options, stepTokens: 48 });
    const prompts = [2, 3, 5, 7, 9].map((step) => [...prompt, ...promptOf(loaded.model, 9, step)]);
    const ask = (one: number[]) => engine.complete({ prompt: one, ...greedy });
    const together = await Promise.all(prompts.map(ask));
    const computed = engine.stats().promptTokens;
    expect(computed).toBeLessThan(2 * (prompt.length + 16) + 4 * 30);
    await using fresh = await load({ ...options, prefixCache: false });
    for (const [i, one] of prompts.entries())
      expect(outcome(together[i]!)).toEqual(outcome(await fresh.complete({ prompt: one, ...greedy })));
  });

  test("policies share whole prompts with each other, and answer as without a cache", async () => {
    await using engine = await load(options);
    await using fresh = await load({ ...options, prefixCache: false });
    for (const kvCache of [
      {},
      { policy: "l2-norm", budget: 32, recent: 4 },
      { policy: "streaming-llm", budget: 40 },
      { policy: "snapkv", budget: 32, recent: 4 },
      { policy: "keydiff", budget: 0.5, recent: 4 },
    ] satisfies GenerateRequest["kvCache"][]) {
      for (const length of [60, 75]) {
        const request = { prompt: prompt.slice(0, length), ...greedy, kvCache };
        const answer = await engine.complete(request);
        if (length < 75)
          expect(answer.usage.cachedTokens + ("policy" in kvCache ? 0 : 99)).toBeGreaterThan(0);
        expect(outcome(answer)).toEqual(outcome(await fresh.complete(request)));
      }
    }
    expect(engine.stats().evictedSlots).toBeGreaterThan(0);
  });

  test("what a policy adds up or evicts chunk by chunk is nobody else's", async () => {
    await using engine = await load(options);
    await engine.complete({ prompt, ...greedy });
    for (const kvCache of [
      { policy: "h2o", budget: 32, recent: 4 },
      { policy: "l2-norm", budget: 32, recent: 4, prefill: "chunk" },
    ] as const) {
      const { usage } = await engine.complete({ prompt, ...greedy, kvCache });
      expect(usage.cachedTokens).toBe(0);
    }
  });
});

describe.each([
  ["tiny-lckv", tinyLckv],
  ["lckv-w2", checkpoint("lckv-w2")],
  ["lckv-w2-nodiag", checkpoint("lckv-w2-nodiag")],
])("%s, whose chunks begin at fixed places", (_, model) => {
  test("a warm prompt begins where a chunk does, and its answer is the same to the last bit", async () => {
    const options = { model, chunkTokens: 24, kvCache: { memory: "16MiB" } };
    await using engine = await load(options);
    const prompt = promptOf(model, 75);
    const cold = await engine.complete({ prompt, ...greedy });
    const warm = await engine.complete({ prompt, ...greedy });
    expect(warm.usage.cachedTokens).toBe(48);
    expect(outcome(warm)).toEqual(outcome(cold));
    // A shorter prompt left less than a chunk behind its last whole one, and yet what a longer one needs.
    const longer = [...prompt.slice(0, 60), ...promptOf(model, 30, 7)];
    const other = await engine.complete({ prompt: longer, ...greedy });
    expect(other.usage.cachedTokens).toBe(48);
    await using fresh = await load(options);
    expect(outcome(other)).toEqual(outcome(await fresh.complete({ prompt: longer, ...greedy })));
  });
});

test("tenants and salts keep prefixes apart, and a salt never stands for another tenant", async () => {
  await using engine = await load({ model: tiny, kvCache: { memory: "16MiB" } });
  const prompt = promptOf(tiny, 60);
  const cached = async (fields: Partial<GenerateRequest>) =>
    (await engine.complete({ prompt, ...greedy, ...fields })).usage.cachedTokens;
  expect(await cached({ tenant: "a" })).toBe(0);
  expect(await cached({ tenant: "a" })).toBe(59);
  expect(await cached({ tenant: "b" })).toBe(0);
  expect(await cached({ tenant: "b", cacheSalt: "a" })).toBe(0);
  expect(await cached({ cacheSalt: "a" })).toBe(0);
  expect(await cached({ tenant: "a", cacheSalt: "a" })).toBe(0);
  expect(await cached({ tenant: "a", cacheSalt: "a" })).toBe(59);
  expect(await cached({ tenant: "a", cachePrompt: false })).toBe(0);
});

test("the last piece says how much of a prompt was found, and why not more", async () => {
  await using engine = await load({ model: tiny, kvCache: { memory: "1MiB" } });
  const prompt = promptOf(tiny, 60);
  const report = async (fields: Partial<GenerateRequest>) => {
    for await (const { cache } of engine.generate({ prompt, ...greedy, ...fields })) if (cache) return cache;
    return undefined;
  };
  expect(await report({})).toEqual({ matched: 0, total: 60, firstDifference: 0, reason: "miss" });
  expect(await report({})).toMatchObject({ matched: 59, reason: "hit" });
  // Only whole blocks are stored, and one that goes on otherwise has the tokens up to there.
  expect(await report({ prompt: [...prompt, 9, 9] })).toMatchObject({ matched: 60, reason: "partial-block" });
  expect(await report({ cachePrompt: false })).toMatchObject({ matched: 0, reason: "off" });
  expect(await report({ kvCache: { policy: "h2o", budget: 32, recent: 4 } })).toMatchObject({
    reason: "policy",
  });
  for (let i = 0; i < 8; i++) await report({ prompt: promptOf(tiny, 100, 3 + i) });
  expect(await report({})).toMatchObject({ reason: "evicted" });
});

test("under memory pressure a retained prefix outlives a flood of others, and is gone after its time", async () => {
  await using engine = await load({ model: tiny, kvCache: { memory: "1MiB" } });
  const prompt = promptOf(tiny, 60);
  const retention = { priority: 90, ttlSeconds: 1 };
  await engine.complete({ prompt, ...greedy, maxTokens: 1, retention });
  const flood = async (from: number) => {
    for (let i = 0; i < 8; i++)
      await engine.complete({ prompt: promptOf(tiny, 100, from + i), ...greedy, maxTokens: 1 });
  };
  await flood(3);
  const kept = await engine.complete({ prompt, ...greedy, maxTokens: 1 });
  expect(kept.usage.cachedTokens).toBeGreaterThanOrEqual(48);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await flood(13);
  const gone = await engine.complete({ prompt, ...greedy, maxTokens: 1 });
  expect(gone.usage.cachedTokens).toBeLessThan(48);
});
