import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine, type EngineOptions, type ScoredToken, type ScoreRequest } from "../src/index.ts";
import { checkpoint, recordedPrompt, tiny, tinyLckv } from "./checkpoints.ts";

const memory = "24MiB";

async function score(engine: Engine, request: ScoreRequest): Promise<ScoredToken[]> {
  const tokens: ScoredToken[] = [];
  for await (const token of engine.score(request)) tokens.push(token);
  return tokens;
}

/** A greedy answer and its log-probabilities. */
async function greedy(engine: Engine, fields: Pick<ScoreRequest, "prompt" | "kvCache">, maxTokens: number) {
  const request = { ...fields, maxTokens, temperature: 0, logprobs: 0, ignoreEos: true };
  const { ids, logprobs } = await engine.complete(request);
  return ids.map((id, i) => ({ id, logprob: logprobs![i]!.logprob }));
}

const devices: [string, EngineOptions][] = [
  ["tiny", { model: tiny }],
  ["tiny-lckv", { model: tinyLckv, chunkTokens: 24 }],
  ["llama-gqa", { model: checkpoint("llama-gqa") }],
  ["llama-gqa on the interpreter", { model: checkpoint("llama-gqa"), backend: "interpreter" }],
];
describe.each(devices)("%s", (_, options) => {
  const long = recordedPrompt(options.model).concat(recordedPrompt(options.model));
  const requests = [
    { prompt: long },
    { prompt: long.slice(3), kvCache: { policy: "l2-norm", budget: 20, recent: 4, protectLayers: [0] } },
    { prompt: long.slice(5), kvCache: { policy: "streaming-llm", budget: 24, sinks: 2 } },
    { prompt: [7] },
  ];

  test("a greedy answer that is forced gets the log-probabilities it was given, bit for bit, alone and batched", async () => {
    await using engine = await Engine.load({ ...options, integrity: "step", kvCache: { memory } });
    const answers: { id: number; logprob: number }[][] = [];
    for (const request of requests) answers.push(await greedy(engine, request, 30));
    const forced = requests.map((request, i) => ({
      ...request,
      continuation: answers[i]!.map(({ id }) => id),
    }));
    const alone = [];
    for (const request of forced) alone.push(await score(engine, request));
    expect(alone).toMatchObject(answers);
    const before = engine.stats();
    const others = requests.map((request) => greedy(engine, request, 30));
    expect(await Promise.all(forced.map((request) => score(engine, request)))).toEqual(alone);
    expect(await Promise.all(others)).toEqual(answers);
    const { steps, scoredTokens, generatedTokens, usedPages } = engine.stats();
    expect(steps - before.steps).toBeLessThan(2 * 30);
    expect(scoredTokens - before.scoredTokens).toBe(4 * 30);
    expect(generatedTokens - before.generatedTokens).toBe(4 * 30);
    expect(usedPages).toBe(0);
  });
});

describe("llama-gqa", () => {
  let engine: Engine;
  const prompt = recordedPrompt(checkpoint("llama-gqa"));
  beforeAll(async () => {
    engine = await Engine.load({
      model: checkpoint("llama-gqa"),
      integrity: "step",
      kvCache: { memory: "4MiB" },
    });
  });
  afterAll(() => engine.dispose());

  test("logits say of the token what its log-probability says, and what they say most of all is the greedy token", async () => {
    const [first] = await greedy(engine, { prompt }, 1);
    const tokens = await score(engine, { prompt, continuation: [5, 300, 9], logits: true });
    for (const { id, logprob, logits } of tokens) {
      expect(logits).toHaveLength(engine.info.vocabSize);
      const highest = Math.max(...logits!);
      const total = logits!.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
      expect(logprob).toBeCloseTo(logits![id]! - highest - Math.log(total), 5);
    }
    expect(tokens.map(({ id }) => id)).toEqual([5, 300, 9]);
    const [{ logits }] = tokens as [ScoredToken];
    expect(logits!.indexOf(Math.max(...logits!))).toBe(first!.id);
    const [plain] = await score(engine, { prompt, continuation: [5] });
    const { logits: _, ...rest } = tokens[0]!;
    expect(plain).toEqual(rest);
  });

  test("the chance of every token, scored one by one, adds up to 1", async () => {
    const all = Array.from({ length: engine.info.vocabSize }, (_, id) => id);
    const scored = await Promise.all(all.map((id) => score(engine, { prompt, continuation: [id] })));
    expect(scored.reduce((sum, [token]) => sum + Math.exp(token!.logprob), 0)).toBeCloseTo(1, 5);
  });

  test("an evicting policy evicts while tokens are forced", async () => {
    const continuation = Array.from({ length: 100 }, (_, i) => 3 + ((i * 31) % 300));
    const full = await score(engine, { prompt, continuation });
    const before = engine.stats().evictedSlots;
    const kvCache = { policy: "streaming-llm", budget: 32 };
    const evicted = await score(engine, { prompt, continuation, kvCache });
    const heads = engine.info.kvLayers * engine.info.kvHeads;
    const { evictedSlots } = engine.stats();
    expect(evictedSlots - before).toBeGreaterThan(heads * (prompt.length + 100 - 32 - 2 * 16));
    expect(evicted[0]).toEqual(full[0]);
    expect(full.map(({ residentTokens }) => residentTokens)).toEqual(full.map((_, i) => prompt.length + i));
    expect(full.at(-1)!.pages).toBe(heads * Math.ceil((prompt.length + 99) / 16));
    for (const { residentTokens, pages } of evicted.slice(1)) {
      expect(residentTokens).toBeLessThanOrEqual(32 + 16);
      expect(pages).toBeLessThanOrEqual(heads * 3);
    }
    expect(evicted.slice(50)).not.toEqual(full.slice(50));
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["no prompt", { prompt: undefined }, "prompt"],
    ["an empty prompt", { prompt: [] }, "prompt"],
    ["no continuation", { continuation: undefined }, "continuation"],
    ["an empty continuation", { continuation: [] }, "continuation"],
    ["a continuation that is text", { continuation: "and then" }, "continuation"],
    ["an id outside the vocabulary", { continuation: [320] }, "continuation"],
    ["a fractional id", { continuation: [1.5] }, "continuation"],
    ["a hole", { continuation: Array(2) }, "continuation"],
    ["logits that are no boolean", { logits: "all" }, "logits"],
    ["a signal that is none", { signal: {} }, "signal"],
    ["an unknown field", { maxTokens: 5 }, "maxTokens"],
    ["an unknown policy", { kvCache: { policy: "lru" } }, "kvCache.policy"],
  ])("%s is refused, naming the field, and the next request works", async (_, fields, param) => {
    const request = { prompt, continuation: [5], ...fields } as ScoreRequest;
    await expect(score(engine, request)).rejects.toMatchObject({ code: "invalid-request", param });
    expect(await score(engine, { prompt, continuation: [5] })).toHaveLength(1);
  });

  test("a continuation over the context is refused, unless positions stay inside it", async () => {
    const continuation = new Int32Array(473).fill(9);
    const refused = score(engine, { prompt, continuation });
    await expect(refused).rejects.toMatchObject({
      code: "context-length-exceeded",
      param: "continuation",
      message: /40 tokens.* 473 .* 512/,
    });
    expect(await score(engine, { prompt, continuation: continuation.subarray(1) })).toHaveLength(472);
    const kvCache = { policy: "streaming-llm", budget: 32 };
    expect(await score(engine, { prompt, continuation, kvCache })).toHaveLength(473);
    const tooLong = score(engine, { prompt: new Int32Array(513).fill(9), continuation: [9], kvCache });
    await expect(tooLong).rejects.toMatchObject({ code: "context-length-exceeded", param: "prompt" });
  });

  test("leaving the loop, or the signal, ends it and gives its pages back", async () => {
    const request = { prompt, continuation: new Int32Array(400).fill(9) };
    for await (const _ of engine.score(request)) break;
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = (async () => {
      for await (const _ of engine.score({ ...request, signal: controller.signal })) controller.abort(reason);
    })();
    await expect(aborted).rejects.toBe(reason);
    expect(await score(engine, { prompt, continuation: [5] })).toHaveLength(1);
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
  });
});

test("logits that nobody reads take no more than 16 MiB", async () => {
  await using engine = await Engine.load({ model: tiny, kvCache: { memory } });
  const continuation = new Int32Array(1000).fill(9);
  const idle = engine.score({ prompt: [5], continuation, logits: true });
  await idle.next();
  await expect.poll(() => engine.stats().paused).toBe(1);
  expect(engine.stats().scoredTokens * engine.info.vocabSize * 4).toBeLessThanOrEqual(17 * 2 ** 20);
  await idle.return();
});

test("a disposed engine scores nothing", async () => {
  const engine = await Engine.load({ model: tiny, kvCache: { memory } });
  await engine.dispose();
  await expect(score(engine, { prompt: [5], continuation: [6] })).rejects.toMatchObject({ code: "disposed" });
});
