import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServer } from "./real-server.ts";

const prompt = "Once upon a time";
const messages = [{ role: "user" as const, content: "It was a dark night." }];
/** Fields of ours, which OpenAI's types do not know. */
const ours = (fields: object) => fields as Record<never, never>;

let real: RealServer;
let openai: OpenAI;
beforeAll(async () => {
  real = await RealServer.start();
  openai = real.openai;
});
afterAll(async () => await real.stop());

async function idle(): Promise<void> {
  for (
    let turn = 0;
    turn < 5000 && real.engine.stats().running + real.engine.stats().waiting > 0;
    turn += 1
  ) {
    await delay(1);
  }
}

describe("completions", () => {
  it("are the engine's own text", async () => {
    const own = await real.engine.complete({ prompt, maxTokens: 12, temperature: 0 });
    const answer = await openai.completions.create({ model: "tiny", prompt, max_tokens: 12, temperature: 0 });
    expect(answer.choices[0]).toMatchObject({ text: own.text, finish_reason: "length", logprobs: null });
    expect(answer.usage).toEqual({
      prompt_tokens: own.usage.promptTokens,
      completion_tokens: 12,
      total_tokens: own.usage.promptTokens + 12,
      prompt_tokens_details: { cached_tokens: expect.any(Number) },
    });
  });

  it("generate 16 tokens where nothing is said", async () => {
    const answer = await openai.completions.create({
      model: "tiny",
      prompt,
      temperature: 0,
      ...ours({ ignore_eos: true }),
    });
    expect(answer.usage?.completion_tokens).toBe(16);
  });

  it.each([1, 2, 5])(
    "say the same streamed and whole, with %i tokens and log-probabilities",
    async (count) => {
      const ask = { model: "tiny", prompt, max_tokens: count, temperature: 0, logprobs: 3 };
      const whole = await openai.completions.create(ask);
      const events = [];
      for await (const event of await openai.completions.create({ ...ask, stream: true })) events.push(event);
      const choices = events.flatMap((event) => event.choices);
      expect(choices.map((choice) => choice.text).join("")).toBe(whole.choices[0]?.text);
      expect(choices.flatMap((choice) => choice.logprobs?.token_logprobs ?? [])).toEqual(
        whole.choices[0]?.logprobs?.token_logprobs,
      );
      expect(choices.flatMap((choice) => choice.logprobs?.text_offset ?? [])).toEqual(
        whole.choices[0]?.logprobs?.text_offset,
      );
      const logprobs = whole.choices[0]!.logprobs!;
      expect(logprobs.tokens?.join("")).toBe(whole.choices[0]?.text);
      for (const [at, top] of logprobs.top_logprobs!.entries()) {
        expect(Object.keys(top)).toHaveLength(3);
        expect(Math.max(...Object.values(top))).toBe(logprobs.token_logprobs![at]);
      }
    },
  );

  it("take token ids for a prompt", async () => {
    const ids = Array.from(real.engine.tokenizer!.encode(prompt));
    const ask = { model: "tiny", max_tokens: 6, temperature: 0 };
    const texts = [];
    for (const each of [prompt, [prompt], ids, [ids]]) {
      texts.push((await openai.completions.create({ ...ask, prompt: each })).choices[0]?.text);
    }
    expect(new Set(texts).size).toBe(1);
  });

  it("stop at a string that they do not show", async () => {
    const ask = { model: "tiny", prompt, max_tokens: 12, temperature: 0 };
    const text = (await openai.completions.create(ask)).choices[0]!.text;
    const stop = text.slice(4, 7);
    const answer = await openai.completions.create({ ...ask, stop });
    expect(answer.choices[0]).toMatchObject({
      text: text.slice(0, text.indexOf(stop)),
      finish_reason: "stop",
    });
  });

  it("repeat themselves with a seed", async () => {
    const text = async (seed: number) =>
      (await openai.completions.create({ model: "tiny", prompt, max_tokens: 12, seed })).choices[0]!.text;
    expect(await text(7)).toBe(await text(7));
    expect(await text(7)).not.toBe(await text(8));
  });

  it("follow a bias", async () => {
    const ids = real.engine.tokenizer!.encode(" sea", { addSpecial: false });
    expect(ids).toHaveLength(1);
    const answer = await openai.completions.create({
      model: "tiny",
      prompt,
      max_tokens: 3,
      temperature: 0,
      logit_bias: { [String(ids[0])]: 100 },
    });
    expect(answer.choices[0]?.text).toBe(" sea sea sea");
  });
});

describe("chat", () => {
  it("follows the template and counts", async () => {
    const ask = { model: "tiny", messages, max_completion_tokens: 8, temperature: 0 };
    const whole = await openai.chat.completions.create(ask);
    const own = await real.engine.complete({ messages, maxTokens: 8, temperature: 0 });
    expect(whole.choices[0]?.message.content).toBe(own.text);
    const stream = openai.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(own.text);
    expect(final.usage?.total_tokens).toBe(whole.usage?.total_tokens);
  });

  it("has log-probabilities of its tokens, whose bytes are its text", async () => {
    const answer = await openai.chat.completions.create({
      model: "tiny",
      messages,
      max_tokens: 6,
      temperature: 0,
      logprobs: true,
      top_logprobs: 2,
    });
    const tokens = answer.choices[0]!.logprobs!.content!;
    expect(Buffer.from(tokens.flatMap((token) => token.bytes!)).toString()).toBe(
      answer.choices[0]?.message.content,
    );
    for (const token of tokens) {
      expect(token.top_logprobs[0]).toMatchObject({ token: token.token, logprob: token.logprob });
      expect(token.top_logprobs).toHaveLength(2);
    }
  });
});

describe("a request's own cache", () => {
  it("evicts for this request alone", async () => {
    const evicted = () => real.engine.stats().evictedSlots;
    const ask = { model: "tiny", prompt: "word ".repeat(100), max_tokens: 8, temperature: 0 };
    const before = evicted();
    await openai.completions.create(ask);
    expect(evicted()).toBe(before);
    const kv_cache = { policy: "streaming-llm", budget: 32 };
    const answer = await openai.completions.create({ ...ask, ...ours({ kv_cache }) });
    expect(answer.choices[0]?.finish_reason).toBe("length");
    expect(evicted()).toBeGreaterThan(before);
  });

  it.each<[object, string]>([
    [{ policy: "nonsense" }, "kv_cache.policy"],
    [{ policy: "streaming-llm", budget: 0 }, "kv_cache.budget"],
    [{ budget: 0.5 }, "kv_cache.budget"],
  ])("is refused as %j, naming %s", async (kv_cache, param) => {
    const asking = openai.completions.create({ model: "tiny", prompt, ...ours({ kv_cache }) });
    await expect(asking).rejects.toMatchObject({ status: 400, param });
  });
});

describe("a refusal", () => {
  it("of a prompt that is too long has both numbers", async () => {
    const asking = openai.completions.create({ model: "tiny", prompt: new Array(2000).fill(5) });
    await expect(asking).rejects.toMatchObject({
      status: 400,
      code: "context_length_exceeded",
      param: "prompt",
      message: expect.stringMatching(/2000.*1024/),
    });
  });

  it("of a token id that is none names the prompt", async () => {
    const asking = openai.completions.create({ model: "tiny", prompt: [1_000_000] });
    await expect(asking).rejects.toMatchObject({ status: 400, param: "prompt" });
  });

  it("of a biased token id that is none names the field as the client does", async () => {
    const asking = openai.completions.create({ model: "tiny", prompt, logit_bias: { "999999": 1 } });
    await expect(asking).rejects.toMatchObject({
      status: 400,
      param: "logit_bias",
      message: expect.stringContaining("logit_bias"),
    });
  });

  it("of what never fits the KV memory is a 400 of its own", async () => {
    const small = await RealServer.start({ kvCache: { memory: "1MiB" } });
    const asking = small.openai.completions.create({ model: "tiny", prompt, max_tokens: 1000 });
    await expect(asking).rejects.toMatchObject({ status: 400, code: "out_of_pages" });
    const answer = await small.openai.completions.create({ model: "tiny", prompt, max_tokens: 2 });
    expect(answer.choices[0]?.text).not.toBe("");
    await small.stop();
  });

  it("of one request more than may wait is a 429", async () => {
    const busy = await RealServer.start({ maxRunning: 1, maxWaiting: 0 });
    const stream = await busy.openai.completions.create({
      model: "tiny",
      prompt,
      max_tokens: 900,
      stream: true,
      ...ours({ ignore_eos: true }),
    });
    const asking = busy.openai.completions.create({ model: "tiny", prompt });
    await expect(asking).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    stream.controller.abort();
    await busy.stop();
  });
});

describe("a client that leaves", () => {
  it("gives its pages back, and others go on as if alone", async () => {
    const ask = { model: "tiny", prompt, max_tokens: 24, temperature: 0 };
    const alone = (await openai.completions.create(ask)).choices[0]?.text;
    await idle();
    const before = real.engine.stats().usedPages;
    const long = { ...ask, max_tokens: 900, ...ours({ ignore_eos: true }) };
    const stream = await openai.completions.create({ ...long, stream: true });
    const leaving = new AbortController();
    const whole = openai.completions
      .create(long, { signal: leaving.signal })
      .catch((error: unknown) => error);
    while (real.engine.stats().running < 2) await delay(1);
    const staying = openai.completions.create(ask);
    await delay(5);
    stream.controller.abort();
    leaving.abort();
    expect(await whole).toBeInstanceOf(OpenAI.APIUserAbortError);
    expect((await staying).choices[0]?.text).toBe(alone);
    await idle();
    expect(real.engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: before });
  });
});

describe("a client that leaves the queue", () => {
  it("takes nothing from the one that runs", async () => {
    const { openai, engine, stop } = await queued();
    const ask = { model: "tiny", prompt, max_tokens: 200, temperature: 0, ...ours({ ignore_eos: true }) };
    const alone = (await openai.completions.create(ask)).choices[0]?.text;
    const running = openai.completions.create(ask);
    while (engine.stats().running === 0) await delay(1);
    const leaving = new AbortController();
    const left = openai.completions.create(ask, { signal: leaving.signal }).catch((error: unknown) => error);
    while (engine.stats().waiting === 0) await delay(1);
    leaving.abort();
    expect(await left).toBeInstanceOf(OpenAI.APIUserAbortError);
    expect((await running).choices[0]?.text).toBe(alone);
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, generatedTokens: 400 });
    await stop();
  });
});

describe("ten times more requests than run and wait", () => {
  it("are answered or refused with 429, and nothing is left over", async () => {
    const limits = { maxRunning: 2, maxWaiting: 3 };
    const busy = await RealServer.start(limits, limits);
    const ask = { model: "tiny", prompt, max_tokens: 8, temperature: 0 };
    const alone = (await busy.openai.completions.create(ask)).choices[0]!.text;
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => busy.openai.completions.create(ask)),
    );
    const answers = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const refusals = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(answers.length).toBeGreaterThanOrEqual(5);
    expect(refusals.length).toBeGreaterThan(0);
    expect(new Set(answers.map((answer) => answer.choices[0]!.text))).toEqual(new Set([alone]));
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ status: 429, code: "overloaded" });
      expect(refusal.headers.get("retry-after")).toBe("1");
    }
    expect(busy.engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
    await busy.stop();
  });
});

/** A server that runs one request at a time. */
async function queued() {
  const real = await RealServer.start({ maxRunning: 1 });
  return { openai: real.openai, engine: real.engine, stop: () => real.stop() };
}

describe("many at once", () => {
  it("get what each gets alone", async () => {
    const ask = (count: number) => ({ model: "tiny", prompt, max_tokens: count, temperature: 0 });
    const text = async (count: number) => (await openai.completions.create(ask(count))).choices[0]!.text;
    const longest = await text(12);
    const texts = await Promise.all(Array.from({ length: 12 }, (_, at) => text(at + 1)));
    for (const each of texts) expect(longest.startsWith(each)).toBe(true);
  });
});
