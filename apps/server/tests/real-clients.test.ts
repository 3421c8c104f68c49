import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { streamedAnswer, wholeAnswer } from "./openai-answer.ts";
import { RealServer } from "./real-server.ts";

const messages = [{ role: "user" as const, content: "The old man said" }];

let real: RealServer;
beforeAll(async () => {
  real = await RealServer.start();
});
afterAll(async () => await real.stop());

describe("OpenAI's client reads the same from the tiny model, whole and streamed", () => {
  const table = [undefined, 0, 20].flatMap((logprobs) =>
    [1, 3].flatMap((n) =>
      [undefined, ["\n", "e"]].flatMap((stop) => [undefined, 7].map((seed) => ({ logprobs, n, stop, seed }))),
    ),
  );

  it.each(table)("with $logprobs log-probabilities, $n choices, stop $stop, seed $seed", async (row) => {
    const body = {
      model: "tiny",
      messages,
      n: row.n,
      max_tokens: 12,
      ...(row.stop ? { stop: row.stop } : {}),
      // Without a seed only the likeliest tokens are the same twice.
      ...(row.seed === undefined ? { temperature: 0 } : { seed: row.seed }),
      ...(row.logprobs === undefined ? {} : { logprobs: true, top_logprobs: row.logprobs }),
    };
    const whole = await wholeAnswer(real.openai, body);
    const streamed = await streamedAnswer(real.openai, body, true);
    expect(streamed.choices).toEqual(whole.choices);
    expect(whole.choices).toHaveLength(row.n);
    if (row.seed === undefined) expect(new Set(whole.choices.map(({ content }) => content)).size).toBe(1);
    for (const choice of whole.choices) {
      for (const stop of row.stop ?? []) expect(choice.content).not.toContain(stop);
      expect(choice.logprobs?.every(({ top_logprobs }) => top_logprobs.length === row.logprobs)).toBe(
        row.logprobs === undefined ? undefined : true,
      );
    }
    const { completion_tokens, prompt_tokens } = whole.usage!;
    expect(streamed.usage).toMatchObject({ completion_tokens, prompt_tokens });
    expect((await streamedAnswer(real.openai, body, false)).usage).toBeUndefined();
  });
});

const city = { type: "object", properties: { city: { type: "string", maxLength: 6 } }, required: ["city"] };
const tools = [
  { type: "function" as const, function: { name: "weather", parameters: city } },
  { type: "function" as const, function: { name: "now" } },
];
const oneCall = { tools, tool_choice: "required" as const, parallel_tool_calls: false };

describe("the tiny model, which knows neither tools nor JSON", () => {
  const ask = { model: "tiny", messages, n: 2, max_tokens: 60 };

  it.each([1, 2, 3])("calls a tool where it must, whole and streamed (seed %i)", async (seed) => {
    for (const logprobs of [false, true]) {
      const body = { ...ask, ...oneCall, seed, logprobs };
      const whole = await wholeAnswer(real.openai, body);
      expect((await streamedAnswer(real.openai, body, true)).choices).toEqual(whole.choices);
      for (const { content, calls, finish } of whole.choices) {
        expect([content, calls.length, finish]).toEqual(["", 1, "tool_calls"]);
        const value = JSON.parse(calls[0]!.arguments) as { city?: string };
        if (calls[0]!.name === "weather") expect([...value.city!].length).toBeLessThanOrEqual(6);
        else expect(value).toEqual({});
      }
    }
  });

  it.each([1, 2, 5, 9, 14])("streams a call that breaks off after %i tokens as it is", async (max_tokens) => {
    const body = { ...ask, ...oneCall, seed: 3, max_tokens };
    const whole = await wholeAnswer(real.openai, body);
    expect((await streamedAnswer(real.openai, body, true)).choices).toEqual(whole.choices);
    for (const { content, finish } of whole.choices) expect([content, finish]).toEqual(["", "length"]);
  });

  it("writes JSON that follows a schema, whole and streamed", async () => {
    const schema = {
      type: "object",
      properties: { sea: { enum: ["calm", "rough"] }, ships: { type: "integer", minimum: 0, maximum: 99 } },
      required: ["sea", "ships"],
    };
    const response_format = { type: "json_schema" as const, json_schema: { name: "sea", schema } };
    for (const seed of [1, 2, 3]) {
      const body = { ...ask, response_format, seed };
      const whole = await wholeAnswer(real.openai, body);
      expect((await streamedAnswer(real.openai, body, true)).choices).toEqual(whole.choices);
      for (const { content, finish } of whole.choices) {
        expect(finish).toBe("stop");
        expect(JSON.parse(content)).toEqual({
          sea: expect.stringMatching(/^(calm|rough)$/),
          ships: expect.toSatisfy((ships: number) => Number.isInteger(ships) && ships >= 0 && ships <= 99),
        });
      }
    }
  });

  it("is told which part of a schema can not be followed", async () => {
    const strange = { type: "object", properties: { a: { type: "strange" } } };
    const refused = (more: object) => expect(wholeAnswer(real.openai, { ...ask, ...more })).rejects;
    await refused({
      response_format: { type: "json_schema", json_schema: { name: "a", schema: strange } },
    }).toMatchObject({ status: 400, param: "response_format.json_schema.schema.properties.a.type" });
    await refused({
      ...oneCall,
      tools: [...tools, { type: "function", function: { name: "odd", parameters: strange } }],
    }).toMatchObject({ status: 400, param: "tools[2].function.parameters.properties.a.type" });
  });
});

describe("the tiny model", () => {
  const complete = (body: object) =>
    real.openai.completions.create({
      model: "tiny",
      temperature: 0,
      max_tokens: 8,
      ...body,
    } as OpenAI.CompletionCreateParamsNonStreaming);

  it("has the same choice for a seed, wherever it stands", async () => {
    const ask = { prompt: "Once", temperature: 1, logprobs: 1 };
    const three = await complete({ ...ask, seed: 5, n: 3 });
    const third = await complete({ ...ask, seed: 7 });
    expect(three.choices[2]?.text).toBe(third.choices[0]?.text);
    expect(three.choices[2]?.logprobs).toEqual(third.choices[0]?.logprobs);
  });

  it("answers several prompts as it does each", async () => {
    const prompts = ["Once upon", "The sea", "She"];
    const all = await complete({ prompt: prompts, n: 2 });
    const each = await Promise.all(prompts.map((prompt) => complete({ prompt })));
    expect(all.choices.map(({ text }) => text)).toEqual(
      each.flatMap(({ choices }) => [choices[0]!.text, choices[0]!.text]),
    );
    expect(all.usage?.prompt_tokens).toBe(each.reduce((sum, { usage }) => sum + usage!.prompt_tokens, 0));
  });

  it("repeats a prompt with its log-probabilities, which add up to those of the same text generated", async () => {
    const written = await complete({ prompt: "The old man", logprobs: 0 });
    const { ids } = await real.engine.complete({ prompt: "The old man", temperature: 0, maxTokens: 8 });
    const prompt = [...(await real.engine.encode({ prompt: "The old man" })), ...ids];
    const echoed = await complete({ prompt, max_tokens: 0, echo: true, logprobs: 0 });
    const own = echoed.choices[0]!.logprobs!;
    expect(echoed.choices[0]?.text).toBe(`The old man${written.choices[0]?.text}`);
    expect(own.token_logprobs![0]).toBeNull();
    expect(own.tokens).toHaveLength(prompt.length);
    const tail = own.token_logprobs!.slice(-8);
    for (const [at, logprob] of written.choices[0]!.logprobs!.token_logprobs!.entries()) {
      expect(tail[at]).toBeCloseTo(logprob, 3);
    }
  });

  it("ends at the end of its context, or goes on beyond it where that is asked for", async () => {
    const context = real.engine.info.maxPositions;
    const ask = { prompt: "Once upon a time", max_tokens: context + 20, ignore_eos: true };
    const ends = await complete(ask);
    expect(ends.choices[0]?.finish_reason).toBe("length");
    expect(ends.usage?.total_tokens).toBe(context);
    const goesOn = await complete({ ...ask, context_overflow: "stream", kv_cache: { budget: 64 } });
    expect(goesOn.usage?.completion_tokens).toBe(context + 20);
    const tooLong = complete({ ...ask, prompt: new Array(context).fill(5), context_overflow: "stream" });
    await expect(tooLong).rejects.toMatchObject({ status: 400, code: "context_length_exceeded" });
  });

  it("has vectors, the same for a text and for its ids, alone and among others", async () => {
    const embed = async (input: string | string[] | number[]) =>
      (await real.openai.embeddings.create({ model: "tiny", input })).data.map(({ embedding }) => embedding);
    const texts = Array.from({ length: 20 }, (_, at) => `Ship number ${at}`);
    const all = await embed(texts);
    expect(all).toHaveLength(20);
    expect(await embed(texts[7]!)).toEqual([all[7]]);
    expect(await embed(Array.from(await real.engine.encode({ prompt: texts[7]! })))).toEqual([all[7]]);
    for (const vector of all) expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
  });

  it("has its tokens counted and spelled", async () => {
    const post = async (path: string, body: object) => {
      const response = await fetch(`${real.server.url}${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      return (await response.json()) as { count: number; tokens: number[]; prompt: string };
    };
    const { count, tokens } = await post("/tokenize", { prompt: "The old man", add_special_tokens: false });
    expect(tokens).toHaveLength(count);
    expect(await post("/detokenize", { tokens })).toEqual({ prompt: "The old man" });
    const { usage } = await real.openai.chat.completions.create({ model: "tiny", messages, max_tokens: 1 });
    const asked = await post("/tokenize", { messages });
    expect(asked.count).toBe(usage?.prompt_tokens);
    const alone = await post("/tokenize", { messages, add_generation_prompt: false });
    expect(asked.tokens.slice(0, alone.count)).toEqual(alone.tokens);
  });
});
