import { EngineError } from "@kvasir/core";
import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, errorOf, eventsOf, hello, jsonOf } from "../tests/app-client.ts";

const ask = { prompt: "hi", max_tokens: 2, n: 3 };
const prompts = (client: AppClient) =>
  client.engine.requests.map(({ prompt }) =>
    typeof prompt === "string" ? prompt : Array.from(prompt ?? []),
  );

describe("several choices", () => {
  it("are generated with a seed each, of one reading of the prompt, which counts once", async () => {
    const client = new AppClient();
    const body = await jsonOf<OpenAI.Completion>(client.post(completions, { ...ask, seed: 5 }));
    expect(body.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, "Once upon"],
      [1, "Once upon"],
      [2, "Once upon"],
    ]);
    expect(body.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 6, total_tokens: 13 });
    expect(client.engine.requests.map(({ seed }) => seed)).toEqual([5, 6, 7]);
    expect(prompts(client)).toEqual(Array(3).fill([256, 104, 105]));
    expect(client.engine.active).toBe(0);
  });

  it("have no seed where the request has none, and one beyond safe integers all the same", async () => {
    const client = new AppClient();
    await client.post(chat, { ...hello, n: 2 });
    await client.post(chat, { ...hello, n: 2, seed: Number.MAX_SAFE_INTEGER });
    expect(client.engine.requests.map(({ seed }) => seed)).toEqual([
      undefined,
      undefined,
      Number.MAX_SAFE_INTEGER,
      9007199254740992n,
    ]);
  });

  it("stream side by side, as the whole answer has them", async () => {
    const client = new AppClient();
    const more = { ...hello, n: 3, logprobs: true, top_logprobs: 1 };
    const whole = await jsonOf<OpenAI.ChatCompletion>(client.post(chat, more));
    const stream = { ...more, stream: true, stream_options: { include_usage: true } };
    const events = await eventsOf<OpenAI.ChatCompletionChunk>(await client.post(chat, stream));
    const choices = events.flatMap((event) => event.choices);
    // The second one begins before the first one ends.
    expect(choices.findIndex(({ index }) => index === 1)).toBeLessThan(
      choices.findIndex(({ index, finish_reason }) => index === 0 && finish_reason !== null),
    );
    for (const choice of whole.choices) {
      const own = choices.filter(({ index }) => index === choice.index);
      expect(own[0]?.delta.role).toBe("assistant");
      expect(own.map(({ delta }) => delta.content ?? "").join("")).toBe(choice.message.content);
      expect(own.flatMap(({ logprobs }) => logprobs?.content ?? [])).toEqual(choice.logprobs?.content);
      expect(own.at(-1)?.finish_reason).toBe(choice.finish_reason);
    }
    expect(events.at(-1)?.usage).toEqual(whole.usage);
  });

  it("fail together, and none goes on", async () => {
    const client = new AppClient();
    client.engine.failure = new EngineError("overloaded", "the queue is full");
    client.engine.failAt = 1;
    const response = await client.post(completions, { ...ask, max_tokens: 5 });
    expect(response.status).toBe(429);
    client.engine.failure = undefined;
    client.engine.hangAt = 1;
    const leaving = new AbortController();
    const left = client.post(completions, { ...ask, max_tokens: 5 }, { signal: leaving.signal });
    await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.abort();
    await left;
    expect([client.engine.active, client.app.inFlight.count]).toEqual([0, 0]);
  });
});

describe("several prompts", () => {
  it("have their choices one prompt after the other", async () => {
    const client = new AppClient();
    const body = await jsonOf<OpenAI.Completion>(
      client.post(completions, { prompt: ["a", "b"], max_tokens: 1, n: 2, seed: 1, echo: true }),
    );
    expect(body.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, "aOnce"],
      [1, "aOnce"],
      [2, "bOnce"],
      [3, "bOnce"],
    ]);
    expect(body.usage).toMatchObject({ prompt_tokens: 14, completion_tokens: 4 });
    expect(client.engine.requests.map(({ seed }) => seed)).toEqual([1, 2, 1, 2]);
  });

  it.each([
    [
      ["a", "b"],
      ["a", "b"],
    ],
    [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ])("may be %j", async (prompt, expected) => {
    const client = new AppClient();
    expect((await client.post(completions, { prompt })).status).toBe(200);
    expect(prompts(client)).toEqual(expected);
  });
});

describe("echo", () => {
  it("repeats the prompt, with its log-probabilities but for the first", async () => {
    const client = new AppClient();
    const more = { prompt: "hé", max_tokens: 1, echo: true, logprobs: 1 };
    const whole = await jsonOf<OpenAI.Completion>(client.post(completions, more));
    expect(whole.choices[0]).toMatchObject({
      text: "héOnce",
      logprobs: {
        tokens: ["<s>", "h", "bytes:\\xc3", "bytes:\\xa9", "Once"],
        token_logprobs: [null, -0.5, -0.5, -0.5, -0.5],
        top_logprobs: [null, { h: -0.5 }, {}, {}, { Once: -0.5 }],
        text_offset: [0, 0, 1, 1, 2],
      },
    });
    expect(client.engine.requests[0]).toMatchObject({ promptLogprobs: 1, logprobs: 1 });
    const events = await eventsOf<OpenAI.Completion>(
      await client.post(completions, { ...more, stream: true }),
    );
    const choices = events.flatMap((event) => event.choices);
    expect(choices.map(({ text }) => text).join("")).toBe("héOnce");
    expect(choices.flatMap(({ logprobs }) => logprobs?.tokens ?? [])).toEqual(
      whole.choices[0]?.logprobs?.tokens,
    );
  });

  it("spells token ids, and generates nothing where max_tokens is 0", async () => {
    const client = new AppClient();
    const body = await jsonOf<OpenAI.Completion>(
      client.post(completions, { prompt: [256, 104, 105], max_tokens: 0, echo: true, logprobs: 0 }),
    );
    expect(body.choices).toMatchObject([
      {
        text: "hi",
        finish_reason: "length",
        logprobs: { tokens: ["<s>", "h", "i"], token_logprobs: [null, -0.5, -0.5] },
      },
    ]);
    expect(body.usage).toMatchObject({ completion_tokens: 0, total_tokens: 7 });
    expect(client.engine.requests[0]?.maxTokens).toBe(1);
  });

  it("needs a tokenizer", async () => {
    const client = new AppClient();
    client.engine.tokenizer = undefined;
    const error = await errorOf(await client.post(completions, { prompt: [1], echo: true }));
    expect(error).toMatchObject({ code: "invalid_value", param: "echo" });
  });
});

describe("kv_cache.debug", () => {
  const report = { matched: 3, total: 7, first_diff_index: 3, reason: "miss" };

  it("says what the cache had, and leaves the policy alone", async () => {
    const client = new AppClient();
    const body = await jsonOf(client.post(chat, { ...hello, kv_cache: { debug: true } }));
    expect(body).toMatchObject({ kv_cache: report });
    expect(client.engine.requests[0]).not.toHaveProperty("kvCache");
    expect(await jsonOf(client.post(chat, hello))).not.toHaveProperty("kv_cache");
  });

  it.each([true, false])("stands in a stream's last event (usage: %s)", async (include_usage) => {
    const more = { kv_cache: { debug: true }, stream: true, stream_options: { include_usage } };
    const events = await eventsOf<object>(await new AppClient().post(completions, { prompt: "a", ...more }));
    expect(events.filter((event) => "kv_cache" in event)).toEqual([events.at(-1)]);
    expect(events.at(-1)).toMatchObject({ kv_cache: report });
  });
});
