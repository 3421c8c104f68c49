import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  APICallError,
  embedMany,
  generateText,
  jsonSchema,
  type LanguageModel,
  Output,
  stepCountIs,
  streamText,
  tool,
} from "ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wholeAnswer } from "./openai-answer.ts";
import { RealServer } from "./real-server.ts";

let real: RealServer;
let provider: ReturnType<typeof createOpenAICompatible>;
let model: LanguageModel;
beforeAll(async () => {
  real = await RealServer.start();
  provider = createOpenAICompatible({
    name: "kvasir",
    baseURL: `${real.server.url}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  model = provider.chatModel("tiny");
});
afterAll(async () => await real.stop());

const prompt = "The old man said";
const city = {
  type: "object" as const,
  properties: { city: { type: "string" as const, maxLength: 6 } },
  required: ["city"],
};

type Ask = Omit<Parameters<typeof generateText>[0], "model" | "prompt" | "messages">;
/** Without a seed only the likeliest tokens are the same twice. */
const drawn = (seed: number | undefined) => (seed === undefined ? { temperature: 0 } : { seed });

/** What `generateText` and `streamText` both give. */
async function whole(ask: Ask) {
  const { text, finishReason, usage, toolCalls } = await generateText({ model, prompt, ...ask });
  return { text, finishReason, usage, calls: toolCalls.map(({ toolName, input }) => ({ toolName, input })) };
}

async function streamed(ask: Ask) {
  const stream = streamText({ model, prompt, ...ask });
  let text = "";
  for await (const part of stream.textStream) text += part;
  const calls = (await stream.toolCalls).map(({ toolName, input }) => ({ toolName, input }));
  return { text, finishReason: await stream.finishReason, usage: await stream.usage, calls };
}

/** But for the cache's part in it, which grows from request to request. */
const counted = ({
  usage: { inputTokens, outputTokens, totalTokens },
  ...rest
}: Awaited<ReturnType<typeof whole>>) => ({
  ...rest,
  inputTokens,
  outputTokens,
  totalTokens,
});

describe("the Vercel AI SDK reads from the tiny model what OpenAI's client does, whole and streamed", () => {
  const table = [undefined, ["\n", "e"]].flatMap((stop) => [undefined, 7].map((seed) => ({ stop, seed })));

  it.each(table)("with stop $stop, seed $seed", async ({ stop, seed }) => {
    const ask = { maxOutputTokens: 12, ...drawn(seed), ...(stop && { stopSequences: stop }) };
    const answer = counted(await whole(ask));
    expect(counted(await streamed(ask))).toEqual(answer);
    const { choices, usage } = await wholeAnswer(real.openai, {
      model: "tiny",
      messages: [{ role: "user", content: prompt }],
      max_tokens: 12,
      ...drawn(seed),
      ...(stop && { stop }),
    });
    expect(answer).toEqual({
      text: choices[0]!.content,
      finishReason: choices[0]!.finish,
      calls: [],
      inputTokens: usage!.prompt_tokens,
      outputTokens: usage!.completion_tokens,
      totalTokens: usage!.total_tokens,
    });
    for (const string of stop ?? []) expect(answer.text).not.toContain(string);
  });

  it("with more choices and log-probabilities, which it leaves in the body", async () => {
    const providerOptions = { kvasir: { n: 3, logprobs: true, top_logprobs: 2 } };
    const { text, response } = await generateText({
      model,
      prompt,
      maxOutputTokens: 6,
      seed: 5,
      providerOptions,
    });
    const { choices } = response.body as {
      choices: { message: { content: string }; logprobs: { content: { top_logprobs: unknown[] }[] } }[];
    };
    expect(choices).toHaveLength(3);
    expect(choices[0]!.message.content).toBe(text);
    for (const { logprobs } of choices)
      expect(logprobs.content.map(({ top_logprobs }) => top_logprobs.length)).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it("as plain completions", async () => {
    const ask = { model: provider.completionModel("tiny"), prompt, maxOutputTokens: 8, temperature: 0 };
    const { text, usage } = await generateText(ask);
    expect(await streamText(ask).text).toBe(text);
    expect(usage.outputTokens).toBe(8);
    const { choices } = await real.openai.completions.create({
      model: "tiny",
      prompt: `user:\n${prompt}\n\nassistant:\n`,
      stop: ["\nuser:"],
      max_tokens: 8,
      temperature: 0,
    });
    expect(text).toBe(choices[0]!.text);
  });

  it("as vectors", async () => {
    const values = ["Once upon", "The sea", "She"];
    const { embeddings } = await embedMany({ model: provider.embeddingModel("tiny"), values });
    const { data } = await real.openai.embeddings.create({ model: "tiny", input: values });
    expect(embeddings).toEqual(data.map(({ embedding }) => embedding));
  });
});

describe("the Vercel AI SDK has the tiny model, which knows neither tools nor JSON,", () => {
  const weather = { weather: tool({ inputSchema: jsonSchema<{ city: string }>(city) }) };
  const now = {
    now: tool({
      inputSchema: jsonSchema<object>({ type: "object", properties: {}, additionalProperties: false }),
    }),
  };

  it.each([
    { choice: "required" as const, seed: 1 },
    { choice: "required" as const, seed: undefined },
    { choice: { type: "tool" as const, toolName: "weather" }, seed: 2 },
    { choice: { type: "tool" as const, toolName: "now" }, seed: 3 },
  ])("call a tool where it must ($choice, seed $seed), whole and streamed", async ({ choice, seed }) => {
    const ask: Ask = {
      tools: { ...weather, ...now },
      toolChoice: choice as "required",
      maxOutputTokens: 80,
      providerOptions: { kvasir: { parallel_tool_calls: false } },
      ...drawn(seed),
    };
    const answer = counted(await whole(ask));
    expect(counted(await streamed(ask))).toEqual(answer);
    expect([answer.text, answer.finishReason, answer.calls.length]).toEqual(["", "tool-calls", 1]);
    const { toolName, input } = answer.calls[0]!;
    if (typeof choice === "object") expect(toolName).toBe(choice.toolName);
    if (toolName === "now") expect(input).toEqual({});
    else expect([...(input as { city: string }).city].length).toBeLessThanOrEqual(6);
  });

  it.each([false, true])("go on with what a tool says (stream: %s)", async (isStreamed) => {
    const asked: string[] = [];
    const execute = ({ city }: { city: string }) => {
      asked.push(city);
      return `Rain in ${city}`;
    };
    const ask = {
      model,
      prompt,
      seed: 4,
      maxOutputTokens: 60,
      tools: { weather: tool({ inputSchema: jsonSchema<{ city: string }>(city), execute }) },
      prepareStep: ({ stepNumber }: { stepNumber: number }) =>
        ({ toolChoice: stepNumber === 0 ? "required" : "none" }) as const,
      stopWhen: stepCountIs(2),
      providerOptions: { kvasir: { parallel_tool_calls: false } },
    };
    const steps = isStreamed ? await streamText(ask).steps : (await generateText(ask)).steps;
    expect(steps).toHaveLength(2);
    const [call, answer] = steps;
    expect(asked).toEqual(call!.toolCalls.map(({ input }) => (input as { city: string }).city));
    expect(asked).toHaveLength(1);
    expect(answer!.toolCalls).toEqual([]);
    expect(answer!.text.length).toBeGreaterThan(0);
    // The question, the call and what the tool said were all read.
    const sent = answer!.request.body as { messages: { role: string; content: unknown }[] } | string;
    const { messages } = typeof sent === "string" ? (JSON.parse(sent) as Exclude<typeof sent, string>) : sent;
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
    expect(messages[2]!.content).toBe(`Rain in ${asked[0]}`);
    expect(answer!.usage.inputTokens).toBeGreaterThan(call!.usage.inputTokens!);
  });

  it("hear that its template knows no tools where it may call one or not", async () => {
    const refused = whole({ tools: weather, maxOutputTokens: 12 });
    await expect(refused).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('only "tool_choice": "required"'),
    });
  });

  it.each([undefined, 1, 2])(
    "write objects that follow a schema, whole and streamed (seed %s)",
    async (seed) => {
      const schema = jsonSchema<{ sea: string; ships: number }>({
        type: "object",
        properties: { sea: { enum: ["calm", "rough"] }, ships: { type: "integer", minimum: 0, maximum: 99 } },
        required: ["sea", "ships"],
      });
      const ask = { model, prompt, ...drawn(seed), output: Output.object({ schema }) };
      const { output, finishReason } = await generateText(ask);
      expect(finishReason).toBe("stop");
      expect(output).toEqual({
        sea: expect.stringMatching(/^(calm|rough)$/),
        ships: expect.toSatisfy((ships: number) => Number.isInteger(ships) && ships >= 0 && ships <= 99),
      });
      const stream = streamText(ask);
      const partial: unknown[] = [];
      for await (const part of stream.partialOutputStream) partial.push(part);
      expect(await stream.output).toEqual(output);
      expect(partial.at(-1)).toEqual(output);
    },
  );

  it("choose one of several, whole and streamed", async () => {
    const ask = { model, prompt, seed: 3, output: Output.choice({ options: ["sun", "rain", "snow"] }) };
    const { output } = await generateText(ask);
    expect(["sun", "rain", "snow"]).toContain(output);
    expect(await streamText(ask).output).toBe(output);
  });
});

describe("the Vercel AI SDK", () => {
  it("has the server's own errors", async () => {
    const refused = (more: object) =>
      generateText({ model, prompt, maxRetries: 0, providerOptions: { kvasir: { ...more } } });
    await expect(refused({ store: true })).rejects.toMatchObject({
      name: "AI_APICallError",
      statusCode: 400,
      message: expect.stringContaining("store"),
      isRetryable: false,
    });
    const tooLong = generateText({ model, prompt: "word ".repeat(5_000), maxRetries: 0 });
    await expect(tooLong).rejects.toSatisfy(
      (error) => APICallError.isInstance(error) && error.statusCode === 400,
    );
  });

  it("ends a request by its signal", async () => {
    const controller = new AbortController();
    const stream = streamText({
      model,
      prompt,
      temperature: 0,
      abortSignal: controller.signal,
      providerOptions: { kvasir: { ignore_eos: true } },
    });
    let text = "";
    for await (const part of stream.textStream) {
      text += part;
      controller.abort();
    }
    expect(text.length).toBeGreaterThan(0);
    await expect.poll(() => real.engine.stats()).toMatchObject({ running: 0, usedPages: 0 });
  });
});
