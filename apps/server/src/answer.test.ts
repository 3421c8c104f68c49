import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, eventsOf, hello, jsonOf } from "../tests/app-client.ts";
import { fakeTokens } from "../tests/fake-engine.ts";

type ChatChunk = OpenAI.ChatCompletionChunk;
const usage = {
  prompt_tokens: 7,
  completion_tokens: 5,
  total_tokens: 12,
  prompt_tokens_details: { cached_tokens: 3 },
};

describe("chat", () => {
  it("answers in OpenAI's shape", async () => {
    const body = await jsonOf<OpenAI.ChatCompletion>(new AppClient().post(chat, hello));
    expect(body).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: "chat.completion",
      created: expect.closeTo(Date.now() / 1000, -2),
      model: "fake",
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{10}$/),
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Once uponé!", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage,
    });
  });

  it("streams the role, the text, the reason, and the usage only when asked", async () => {
    const stream = async (more: object) =>
      eventsOf<ChatChunk>(await new AppClient().post(chat, { ...hello, stream: true, ...more }));
    const plain = await stream({});
    expect(new Set(plain.map((event) => event.id)).size).toBe(1);
    expect(plain.map((event) => event.object)).toEqual(plain.map(() => "chat.completion.chunk"));
    expect(plain.map((event) => event.choices)).toEqual(
      [
        [{ role: "assistant", content: "", refusal: null }, null],
        [{ content: "Once" }, null],
        [{ content: " upon" }, null],
        [{ content: "é" }, null],
        [{ content: "!" }, null],
        [{}, "stop"],
      ].map(([delta, reason]) => [{ index: 0, delta, logprobs: null, finish_reason: reason }]),
    );
    expect(plain.every((event) => !("usage" in event))).toBe(true);
    const counted = await stream({ stream_options: { include_usage: true } });
    expect(counted.map((event) => event.usage)).toEqual([...plain.map(() => null), usage]);
    expect(counted.at(-1)?.choices).toEqual([]);
  });

  it("has log-probabilities with bytes, and parts of characters as escapes", async () => {
    const ask = { ...hello, logprobs: true, top_logprobs: 2 };
    const body = await jsonOf<OpenAI.ChatCompletion>(new AppClient().post(chat, ask));
    const content = body.choices[0]!.logprobs!.content!;
    expect(content.map((each) => each.token)).toEqual(["Once", " upon", "\\xc3", "\\xa9", "!"]);
    expect(content.map((each) => each.bytes)).toEqual(fakeTokens.map((bytes) => Array.from(bytes)));
    expect(content[0]).toEqual({
      token: "Once",
      logprob: -0.5,
      bytes: [79, 110, 99, 101],
      top_logprobs: [
        { token: "Once", logprob: -0.5, bytes: [79, 110, 99, 101] },
        { token: "other", logprob: -9999, bytes: [111, 116, 104, 101, 114] },
      ],
    });
    const plain = await jsonOf<OpenAI.ChatCompletion>(
      new AppClient().post(chat, { ...hello, logprobs: true }),
    );
    expect(plain.choices[0]!.logprobs!.content!.map((each) => each.top_logprobs)).toEqual([
      [],
      [],
      [],
      [],
      [],
    ]);
  });
});

describe("completions", () => {
  it("answers in OpenAI's shape", async () => {
    const body = await (await new AppClient().post(completions, { prompt: "a", max_tokens: 2 })).json();
    expect(body).toEqual({
      id: expect.stringMatching(/^cmpl-[0-9a-f]{32}$/),
      object: "text_completion",
      created: expect.any(Number),
      model: "fake",
      system_fingerprint: expect.any(String),
      choices: [{ text: "Once upon", index: 0, logprobs: null, finish_reason: "length" }],
      usage: { ...usage, completion_tokens: 2, total_tokens: 9 },
    });
  });

  it("has log-probabilities as parallel arrays, with offsets into the text", async () => {
    const ask = { prompt: "a", logprobs: 1 };
    const body = await jsonOf<OpenAI.Completion>(new AppClient().post(completions, ask));
    expect(body.choices[0]!.logprobs).toEqual({
      tokens: ["Once", " upon", "bytes:\\xc3", "bytes:\\xa9", "!"],
      token_logprobs: [-0.5, -0.5, -0.5, -0.5, -0.5],
      top_logprobs: [
        { Once: -0.5 },
        { " upon": -0.5 },
        { "bytes:\\xc3": -0.5 },
        { "bytes:\\xa9": -0.5 },
        { "!": -0.5 },
      ],
      text_offset: [0, 4, 9, 9, 10],
    });
    const none = await jsonOf<OpenAI.Completion>(
      new AppClient().post(completions, { prompt: "a", logprobs: 0 }),
    );
    expect(none.choices[0]!.logprobs!.top_logprobs).toEqual([null, null, null, null, null]);
  });
});

describe("a stream and a whole answer", () => {
  it.each([1, 2, 3, 4, 5])("say the same after %i tokens", async (count) => {
    const client = new AppClient();
    const ask = { prompt: "a", max_tokens: count, logprobs: 2 };
    const whole = await jsonOf<OpenAI.Completion>(client.post(completions, ask));
    const events = await eventsOf<OpenAI.Completion>(
      await client.post(completions, { ...ask, stream: true, stream_options: { include_usage: true } }),
    );
    const choices = events.flatMap((event) => event.choices);
    expect(choices.map((choice) => choice.text).join("")).toBe(whole.choices[0]!.text);
    expect(choices.at(-1)?.finish_reason).toBe(whole.choices[0]!.finish_reason);
    expect(events.at(-1)?.usage).toEqual(whole.usage);
    for (const key of ["tokens", "token_logprobs", "top_logprobs", "text_offset"] as const) {
      expect(choices.flatMap((choice): unknown[] => choice.logprobs?.[key] ?? [])).toEqual(
        whole.choices[0]!.logprobs![key],
      );
    }
  });

  it("say the same in chat", async () => {
    const client = new AppClient();
    const ask = { ...hello, logprobs: true, top_logprobs: 1 };
    const whole = await jsonOf<OpenAI.ChatCompletion>(client.post(chat, ask));
    const events = await eventsOf<ChatChunk>(await client.post(chat, { ...ask, stream: true }));
    const choices = events.flatMap((event) => event.choices);
    expect(choices.map((choice) => choice.delta.content ?? "").join("")).toBe(
      whole.choices[0]!.message.content,
    );
    expect(choices.flatMap((choice) => choice.logprobs?.content ?? [])).toEqual(
      whole.choices[0]!.logprobs!.content,
    );
  });
});
