import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Engine, EngineError, type GenerateRequest } from "../src/index.ts";
import { promptIds } from "../src/prompt-ids.ts";
import { checkpoint, recordedPrompt, tiny } from "./checkpoints.ts";

let engine: Engine;
let idsOnly: Engine;
beforeAll(async () => {
  engine = await Engine.load({ model: tiny, integrity: "step", kvCache: { memory: "24MiB" } });
  idsOnly = await Engine.load({ model: checkpoint("llama-gqa"), kvCache: { memory: "4MiB" } });
});
afterAll(async () => {
  await engine.dispose();
  await idsOnly.dispose();
});

const normal = { prompt: "The road", maxTokens: 4, temperature: 0 } as const;

test.each<[string, Record<string, unknown>, string]>([
  ["no prompt", { prompt: undefined }, "prompt"],
  ["a prompt and messages", { messages: [{ role: "user", content: "Hi" }] }, "prompt"],
  ["an empty list of messages", { prompt: undefined, messages: [] }, "messages"],
  ["an id outside the vocabulary", { prompt: [4096] }, "prompt"],
  ["a fractional id", { prompt: [1.5] }, "prompt"],
  ["an id that is not there", { prompt: [undefined] }, "prompt"],
  ["no token at all", { prompt: [] }, "prompt"],
  ["an unknown field", { temprature: 1 }, "temprature"],
  ["maxTokens 0", { maxTokens: 0 }, "maxTokens"],
  ["temperature NaN", { temperature: Number.NaN }, "temperature"],
  ["temperature 3", { temperature: 3 }, "temperature"],
  ["topP 0", { topP: 0 }, "topP"],
  ["topK -1", { topK: -1 }, "topK"],
  ["minP 2", { minP: 2 }, "minP"],
  ["repetitionPenalty 0", { repetitionPenalty: 0 }, "repetitionPenalty"],
  ["an empty stop string", { stop: "" }, "stop"],
  ["a list of stops with a hole", { stop: Array(1) }, "stop"],
  ["half a character to stop at", { stop: "\ud83e" }, "stop"],
  ["a temperature that f32 does not hold", { temperature: 1e-50 }, "temperature"],
  ["a topP that f32 does not hold", { topP: 1e-50 }, "topP"],
  ["a penalty that f32 does not hold", { repetitionPenalty: 1e-50 }, "repetitionPenalty"],
  ["a seed of 65 bits", { seed: 2n ** 64n }, "seed"],
  ["biases in a Map", { logitBias: new Map([["1", 1]]) }, "logitBias"],
  ["an object that does not print", { prompt: Object.create(null) }, "prompt"],
  ["a number that throws", { maxTokens: { toJSON: () => expect.fail("called") } }, "maxTokens"],
  ["kvCache null", { kvCache: null }, "kvCache"],
  ["kvCache that is a name", { kvCache: "l2-norm" }, "kvCache"],
  ["a policy that is a number", { kvCache: { policy: 5 } }, "kvCache.policy"],
  ["a policy that nobody defined", { kvCache: { policy: {} } }, "kvCache.policy"],
  ["17 stop strings", { stop: Array(17).fill("x") }, "stop"],
  ["a bias outside the vocabulary", { logitBias: { 4096: 1 } }, "logitBias"],
  ["a bias of Infinity", { logitBias: { 1: Number.POSITIVE_INFINITY } }, "logitBias.1"],
  ["a fractional seed", { seed: 0.5 }, "seed"],
  ["21 alternatives", { logprobs: 21 }, "logprobs"],
  ["an unknown policy", { kvCache: { policy: "lru" } }, "kvCache.policy"],
  ["a budget that the policy does not take", { kvCache: { policy: "full", budget: 0.5 } }, "kvCache.budget"],
  ["page options in a request", { kvCache: { policy: "l2-norm", memory: "1GiB" } }, "kvCache.memory"],
])("%s is refused, naming the field, and the next request works", async (_, fields, param) => {
  const request = { ...normal, ...fields } as GenerateRequest;
  await expect(engine.complete(request)).rejects.toMatchObject({ code: "invalid-request", param });
  expect((await engine.complete(normal)).ids).toHaveLength(4);
});

test("a prompt over the context is refused with both numbers", async () => {
  const prompt = new Int32Array(1024).fill(7);
  const error = await engine.complete({ prompt }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(EngineError);
  expect(error).toMatchObject({
    code: "context-length-exceeded",
    param: "prompt",
    message: /1024 tokens.* 1024/,
  });
});

test("a request that could never fit the KV memory is refused at once", async () => {
  await using small = await Engine.load({ model: tiny, integrity: "step", kvCache: { memory: "1MiB" } });
  const request = { prompt: new Int32Array(300).fill(7), maxTokens: 20 };
  await expect(small.complete(request)).rejects.toMatchObject({ code: "out-of-pages" });
  expect((await small.complete(normal)).ids).toHaveLength(4);
});

test("a checkpoint without a tokenizer takes ids and says so of text", async () => {
  const prompt = recordedPrompt(checkpoint("llama-gqa"));
  expect((await idsOnly.complete({ prompt, maxTokens: 3 })).ids).toHaveLength(3);
  for (const fields of [{ prompt: "text" }, { prompt, stop: "x" }]) {
    await expect(idsOnly.complete(fields)).rejects.toMatchObject({ code: "invalid-request" });
  }
});

test("the pieces' texts are the answer's, the last piece says why it ended", async () => {
  const request = { ...normal, maxTokens: 40 };
  const whole = await engine.complete(request);
  let text = "";
  for await (const chunk of engine.generate(request)) {
    text += chunk.text;
    expect(chunk.finishReason === undefined).toBe(chunk.usage === undefined);
  }
  expect(text).toBe(whole.text);
  expect(whole.finishReason).toBe("length");
  expect(whole.usage).toEqual({ promptTokens: expect.any(Number), completionTokens: 40, cachedTokens: 0 });
});

test("a stop string ends the text before it, wherever tokens are cut", async () => {
  const { text } = await engine.complete({ ...normal, maxTokens: 40 });
  const stop = text.slice(11, 14);
  const stopped = await engine.complete({ ...normal, maxTokens: 40, stop });
  expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
  expect(stopped.finishReason).toBe("stop");
  expect(stopped.ids.length).toBeLessThan(40);
});

test("a seed repeats an answer, alone or beside others; another seed does not", async () => {
  const request = { ...normal, maxTokens: 30, temperature: 1.2, topP: 0.9, seed: 7 };
  const first = await engine.complete(request);
  const [again, other] = await Promise.all([
    engine.complete(request),
    engine.complete({ ...request, seed: 8 }),
  ]);
  expect(again.ids).toEqual(first.ids);
  expect(other.ids).not.toEqual(first.ids);
});

test("penalties and bias change what is drawn", async () => {
  const plain = await engine.complete({ ...normal, maxTokens: 30 });
  const [id] = plain.ids;
  const banned = await engine.complete({ ...normal, maxTokens: 30, logitBias: { [id!]: -100 } });
  expect(banned.ids).not.toContain(id);
  const penalised = await engine.complete({
    ...normal,
    maxTokens: 30,
    frequencyPenalty: 2,
    presencePenalty: 2,
  });
  expect(new Set(penalised.ids).size).toBeGreaterThan(new Set(plain.ids).size);
});

test("messages that the chat template refuses are the request's fault", async () => {
  const messages = [{ role: "user", content: () => "code" }];
  const refused = engine.complete({ messages, maxTokens: 5 });
  await expect(refused).rejects.toMatchObject({ code: "invalid-request", param: "messages" });
});

test("a conversation goes through the chat template", async () => {
  const messages = [{ role: "user", content: "Hello" }] as const;
  const answer = await engine.complete({ messages, maxTokens: 5, temperature: 0 });
  const rendered = engine.tokenizer!.chatTemplate!.render({ messages, addGenerationPrompt: true });
  const ids = engine.tokenizer!.encode(rendered, { addSpecial: false });
  expect((await engine.complete({ prompt: ids, maxTokens: 5, temperature: 0 })).ids).toEqual(answer.ids);
  expect(answer.usage.promptTokens).toBe(ids.length);
});

test.each<[string, Record<string, unknown>, string]>([
  ["an unknown option", { kvcache: {} }, "kvcache"],
  ["memory that is no size", { kvCache: { memory: "lots" } }, "kvCache.memory"],
  ["memory for less than a page a head", { kvCache: { memory: 1000 } }, "kvCache.memory"],
  ["an unknown page format", { kvCache: { dtype: "q3" } }, "kvCache.dtype"],
  ["pages of 17", { kvCache: { pageTokens: 17 } }, "kvCache.pageTokens"],
  ["an unknown policy", { kvCache: { policy: "lru" } }, "kvCache.policy"],
  ["kvCache null", { kvCache: null }, "kvCache"],
  ["pages of a bigint", { kvCache: { pageTokens: 16n } }, "kvCache.pageTokens"],
  ["memory that is a list", { kvCache: { memory: ["1MiB"] } }, "kvCache.memory"],
  ["more memory than there is", { kvCache: { memory: "1000TiB" } }, "kvCache.memory"],
  ["onWarning that is no function", { onWarning: "loud" }, "onWarning"],
  ["weights that are no format to quantise to", { weights: "q6_k" }, "weights"],
  ["onLoadProgress that is no function", { onLoadProgress: {} }, "onLoadProgress"],
  ["a signal that is none", { signal: "SIGINT" }, "signal"],
  ["steps of 0 tokens", { stepTokens: 0 }, "stepTokens"],
])("%s is refused when loading, naming the option", async (_, options, param) => {
  await expect(Engine.load({ model: tiny, ...options })).rejects.toMatchObject({
    code: "invalid-options",
    param,
  });
});

test("text with a token that the model does not have is refused", async () => {
  const ids = promptIds({ prompt: "The road" }, { tokenizer: engine.tokenizer, vocabSize: 10 });
  await expect(ids).rejects.toMatchObject({ code: "invalid-request", param: "prompt" });
});

test("a token that cannot be spelled fails its own request and no other", async () => {
  const request = { ...normal, maxTokens: 12 };
  const [one, other] = [await engine.complete(request), await engine.complete({ ...request, seed: 1 })];
  const tokenizer = engine.tokenizer!;
  const spell = tokenizer.tokenBytes.bind(tokenizer);
  let left = 3;
  const spy = vi.spyOn(tokenizer, "tokenBytes").mockImplementation((id) => {
    if (id === one.ids[2] && --left === 0) throw new Error("no bytes");
    return spell(id);
  });
  try {
    const answers = await Promise.allSettled([
      engine.complete(request),
      engine.complete(request),
      engine.complete(request),
    ]);
    expect(answers.filter(({ status }) => status === "rejected")).toMatchObject([
      { reason: { code: "internal" } },
    ]);
    const whole = answers.filter(({ status }) => status === "fulfilled");
    expect(whole).toMatchObject([{ value: { ids: other.ids } }, { value: { ids: other.ids } }]);
  } finally {
    spy.mockRestore();
  }
  expect(engine.stats()).toMatchObject({ running: 0, usedPages: 0 });
});

const streaming = { policy: "streaming-llm", budget: 32 };
test.each<[string, Record<string, unknown>, number]>([
  ["a window goes on over the context", streaming, 512],
  ["a window that is all of the text does not", { ...streaming, budget: 1 }, 472],
  ["a window that grows does not", { ...streaming, budget: 0.99 }, 472],
  ["a window over the context does not", { ...streaming, budget: 500 }, 472],
  ["a window that stays while decoding does not", { ...streaming, decode: false }, 472],
  ["a layer without a window does not", { ...streaming, protectLayers: [0] }, 472],
])("positions inside the cache: %s", async (_, kvCache, length) => {
  const prompt = recordedPrompt(checkpoint("llama-gqa"));
  const answer = await idsOnly.complete({ prompt, maxTokens: 512, temperature: 0, ignoreEos: true, kvCache });
  expect(idsOnly.info.maxPositions).toBe(512);
  expect(prompt).toHaveLength(40);
  expect(answer.ids).toHaveLength(length);
});
