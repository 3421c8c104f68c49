import { definePolicy } from "@kvasir/kv-policies";
import { expect, test } from "vitest";
import { Engine, type GenerateChunk } from "../src/index.ts";
import { checkpoint, recordedPrompt, tiny } from "./checkpoints.ts";
import { outcome } from "./outcome.ts";
import { logSoftmax, PlainLlama } from "./plain-llama.ts";

const folder = checkpoint("llama-gqa");
const prompt = recordedPrompt(folder);
const pageTokens = 16;
const f32 = { dtype: "f32", pageTokens, memory: "8MiB" } as const;

/** Whether it is a head's turn to be evicted from while decoding. */
const isTurn = (seen: number, layer: number, head: number, heads: number) =>
  (seen + layer * heads + head) % pageTokens === 0;

/** Follows an engine's greedy answer with a reference, token by token, and gives the largest difference of a log-probability. */
async function follow(
  answer: AsyncIterable<GenerateChunk>,
  logits: Float64Array,
  feed: (id: number) => Float64Array,
) {
  let largest = 0;
  let steps = 0;
  let expected = logSoftmax(logits);
  for await (const { logprobs } of answer) {
    const [token] = logprobs!;
    for (const { id, logprob } of [token!, ...token!.top])
      largest = Math.max(largest, Math.abs(logprob - expected[id]!));
    expect(expected[token!.id]).toBeCloseTo(Math.max(...expected), 3);
    steps += 1;
    expected = logSoftmax(feed(token!.id));
  }
  return { largest, steps };
}

test("streaming-llm over 20 windows: constant memory, and the logits of a plain cache with positions inside it", async () => {
  const [sinks, budget] = [4, 32];
  const maxTokens = 20 * budget;
  await using engine = await Engine.load({
    integrity: "step",
    model: folder,
    kvCache: { ...f32, policy: "streaming-llm", budget, sinks },
  });
  const plain = await PlainLlama.load(folder);
  plain.positions = "cache";
  let seen = prompt.length;
  const feed = (id: number) => {
    const logits = plain.next(id);
    seen += 1;
    plain.cache.forEach((heads, layer) => {
      heads.forEach((entries, head) => {
        if (isTurn(seen, layer, head, heads.length)) entries.splice(sinks, entries.length - budget);
      });
    });
    return logits;
  };
  let logits: Float64Array = new Float64Array();
  for (const id of prompt) logits = plain.next(id);
  for (const heads of plain.cache)
    for (const entries of heads) entries.splice(sinks, entries.length - budget);

  const used: number[] = [];
  async function* watched() {
    const request = { prompt, maxTokens, temperature: 0, logprobs: 20, ignoreEos: true };
    for await (const chunk of engine.generate(request)) {
      if (chunk.finishReason === undefined) used.push(engine.stats().usedPages);
      yield chunk;
    }
  }
  const { largest, steps } = await follow(watched(), logits, feed);
  expect(steps).toBe(maxTokens);
  expect(largest).toBeLessThan(2e-4);
  const heads = engine.info.kvLayers * engine.info.kvHeads;
  expect(Math.max(...used.slice(pageTokens))).toBe(heads * ((budget + pageTokens) / pageTokens));
  expect(Math.max(...used.slice(-100))).toBe(Math.max(...used.slice(pageTokens, 100)));
  expect(engine.stats().usedPages).toBe(0);
});

test("l2-norm: the answer is that of a full cache with a mask on the evicted slots", async () => {
  const options = { policy: "l2-norm", budget: 24, recent: 8, protectLayers: [0] };
  await using engine = await Engine.load({
    integrity: "step",
    model: folder,
    kvCache: { ...f32, ...options },
  });
  const plain = await PlainLlama.load(folder);
  const compress = (decoded?: number) => {
    plain.cache.forEach((heads, layer) => {
      heads.forEach((entries, head) => {
        if (layer === 0 || entries.length <= 24) return;
        if (decoded !== undefined && !isTurn(prompt.length + decoded, layer, head, heads.length)) return;
        const norms = plain.keyNorms(layer, head);
        const order = entries.map((_, slot) => slot).slice(0, entries.length - 8);
        order.sort((a, b) => norms[b]! - norms[a]!);
        const evicted = new Set(order.slice(0, entries.length - 24));
        heads[head] = entries.filter((_, slot) => !evicted.has(slot));
      });
    });
  };
  let logits: Float64Array = new Float64Array();
  for (const id of prompt) logits = plain.next(id);
  compress();
  let decoded = 0;
  const answer = engine.generate({ prompt, maxTokens: 60, temperature: 0, logprobs: 20, ignoreEos: true });
  const { largest } = await follow(answer, logits, (id) => {
    const next = plain.next(id);
    decoded += 1;
    compress(decoded);
    return next;
  });
  expect(largest).toBeLessThan(2e-4);
});

test("streaming-llm that evicts after every chunk reads a prompt in the memory of a chunk and the window", async () => {
  const [sinks, budget, chunk] = [4, 32, 20];
  const long = Array.from({ length: 300 }, (_, i) => prompt[(i * 7) % prompt.length]!);
  await using engine = await Engine.load({
    integrity: "step",
    model: folder,
    chunkTokens: chunk,
    kvCache: { ...f32, policy: "streaming-llm", budget, sinks, prefill: "chunk" },
  });
  const plain = await PlainLlama.load(folder);
  plain.positions = "cache";
  const cut = (entries: unknown[]) => {
    if (entries.length > budget) entries.splice(sinks, entries.length - budget);
  };
  let logits: Float64Array = new Float64Array();
  for (const [i, id] of long.entries()) {
    logits = plain.next(id);
    if ((i + 1) % chunk === 0) plain.cache.flat().forEach(cut);
  }
  const answer = engine.generate({
    prompt: long,
    maxTokens: 40,
    temperature: 0,
    logprobs: 20,
    ignoreEos: true,
  });
  let seen = long.length;
  const { largest } = await follow(answer, logits, (id) => {
    const next = plain.next(id);
    seen += 1;
    plain.cache.forEach((heads, layer) => {
      heads.forEach((entries, head) => {
        if (isTurn(seen, layer, head, heads.length)) cut(entries);
      });
    });
    return next;
  });
  expect(largest).toBeLessThan(2e-4);
  const { info } = engine;
  const pages = info.kvLayers * info.kvHeads * Math.ceil((budget + chunk) / pageTokens);
  expect(engine.stats().peakKvBytes).toBe((pages * info.kvBytes) / info.pages);
});

test("requests with different policies share a batch, and each answers as it does alone", async () => {
  await using engine = await Engine.load({ integrity: "step", model: folder, kvCache: f32 });
  const policies = [
    {},
    { policy: "full" },
    { policy: "streaming-llm", budget: 20 },
    { policy: "l2-norm", budget: 20, recent: 4, protectLayers: [0, -1] },
    { policy: "l2-norm", budget: 0.6, recent: 4, prefill: "chunk" },
  ] as const;
  const ask = (kvCache: (typeof policies)[number]) =>
    engine
      .complete({ prompt, maxTokens: 50, temperature: 0, ignoreEos: true, logprobs: 0, kvCache })
      .then(outcome);
  const alone = [];
  for (const policy of policies) alone.push(await ask(policy));
  const before = engine.stats().steps;
  expect(await Promise.all(policies.map(ask))).toEqual(alone);
  expect(engine.stats().steps - before).toBeLessThan(2 * 50);
  expect(alone[1]).toEqual(alone[0]);
  for (const evicted of alone.slice(2)) expect(evicted.logprobs).not.toEqual(alone[0]!.logprobs);
  expect(engine.stats().evictedSlots).toBeGreaterThan(0);
});

test.each(["l2-norm", "streaming-llm"])("%s that evicts nothing changes no bit", async (policy) => {
  const answers = [];
  for (const kvCache of [f32, { ...f32, policy, budget: 400 }]) {
    await using engine = await Engine.load({ integrity: "step", model: folder, kvCache });
    answers.push(
      await engine.complete({ prompt, maxTokens: 100, temperature: 0, logprobs: 20, ignoreEos: true }),
    );
  }
  expect(answers[1]).toEqual(answers[0]);
});

test("compression gives back exactly the pages of the formula, and lets a refused request in", async () => {
  const [length, budget] = [500, 100];
  const full = { layers: 2, pages: Math.ceil(length / pageTokens) };
  const cut = { layers: 6, pages: Math.ceil(budget / pageTokens) };
  const heads = 4;
  const longPrompt = Array.from({ length }, (_, i) => 5 + ((i * 37) % 4000));
  // Room for the long prompt and no second one.
  const pages = 8 * heads * (full.pages + 2);
  const bytes = pages * pageTokens * (4 * 32 + 8);
  await using engine = await Engine.load({
    integrity: "step",
    model: tiny,
    maxWaiting: 0,
    kvCache: { policy: "l2-norm", budget, memory: bytes, pageTokens },
  });
  expect(engine.info.pages).toBe(pages);
  const request = { prompt: longPrompt, maxTokens: 8, temperature: 0, ignoreEos: true };
  const other = () => engine.complete({ ...request, prompt: longPrompt.slice(0, 200), maxTokens: 4 });
  let uncompressed = 0;
  const stream = engine.generate(request)[Symbol.asyncIterator]();
  const first = stream.next();
  await expect(other()).rejects.toMatchObject({ code: "overloaded" });
  await first;
  uncompressed = engine.stats().peakKvBytes / (pageTokens * (4 * 32 + 8));
  expect(uncompressed).toBe(8 * heads * full.pages);
  await stream.next();
  // One more token is in the cache by now, in a page that had room or in a new one.
  const after =
    heads * (full.layers * Math.ceil((length + 1) / 16) + cut.layers * Math.ceil((budget + 1) / 16));
  expect(engine.stats().usedPages).toBe(after);
  const { freePages, cachedPages } = engine.stats();
  expect(freePages + cachedPages).toBe(pages - after);
  expect((await other()).ids).toHaveLength(4);
  await stream.return?.();
});

test("a policy that returns nonsense fails its own request and no other", async () => {
  const broken = definePolicy({
    name: "broken",
    signals: ["keyNorm"],
    defaults: { budget: 20, recent: 4, sinks: 0 },
    score: ({ keyNorm }) => keyNorm.map(() => Number.NaN),
  });
  await using engine = await Engine.load({ integrity: "step", model: folder, kvCache: f32 });
  const request = { prompt, maxTokens: 8, temperature: 0, ignoreEos: true };
  const alone = await engine.complete(request);
  const [bad, good] = await Promise.allSettled([
    engine.complete({ ...request, kvCache: { policy: broken } }),
    engine.complete(request),
  ]);
  expect(bad).toMatchObject({ reason: { code: "policy-failed" } });
  expect(good).toMatchObject({ value: { ids: alone.ids } });
  expect(engine.stats().usedPages).toBe(0);
});

test("where a policy evicts after every chunk, the answer does not depend on who else runs", async () => {
  await using engine = await Engine.load({
    integrity: "step",
    model: folder,
    stepTokens: 40,
    chunkTokens: 32,
    kvCache: { ...f32, policy: "l2-norm", budget: 20, recent: 4, protectLayers: [0], prefill: "chunk" },
  });
  const prompts = [0, 1, 2, 3].map((i) => prompt.map((_, j) => prompt[(j * 3 + i * 7) % prompt.length]!));
  const ask = (prompt: number[]) =>
    engine.complete({ prompt, maxTokens: 10, temperature: 0, ignoreEos: true, logprobs: 0 });
  const alone = [];
  for (const one of prompts) alone.push(await ask(one));
  expect(await Promise.all(prompts.map(ask))).toEqual(alone);
});
