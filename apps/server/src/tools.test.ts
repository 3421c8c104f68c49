import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { AppClient, chat, errorOf, eventsOf, hello, jsonOf } from "../tests/app-client.ts";

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tool = (name: string, more: object = { parameters }) => ({
  type: "function",
  function: { name, ...more },
});
const tools = [tool("weather"), tool("now", {})];
const ask = { ...hello, tools };
const called = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>';

/** A client of a model that writes calls as Qwen's do. */
function qwen(text: string): AppClient {
  const client = new AppClient();
  client.engine.info = { ...client.engine.info, chatTemplate: "{{ tools }} <tool_call>" };
  client.engine.say(text);
  return client;
}

type Streamed = {
  content: string;
  calls: { id: string; name: string; arguments: string }[];
  tokens: number;
  finish: string | null;
};

/** What a client puts together from a stream. */
async function streamed(client: AppClient, body: object): Promise<Streamed> {
  const answer: Streamed = { content: "", calls: [], tokens: 0, finish: null };
  const events = await eventsOf<OpenAI.ChatCompletionChunk>(
    await client.post(chat, { ...body, stream: true }),
  );
  for (const { delta, finish_reason, logprobs } of events.flatMap((event) => event.choices)) {
    answer.content += delta.content ?? "";
    answer.tokens += logprobs?.content?.length ?? 0;
    answer.finish = finish_reason ?? answer.finish;
    for (const call of delta.tool_calls ?? []) {
      if (call.id !== undefined) {
        expect(call).toMatchObject({
          type: "function",
          function: { name: expect.any(String), arguments: "" },
        });
        expect(call.index).toBe(answer.calls.length);
        answer.calls.push({ id: call.id, name: call.function!.name!, arguments: "" });
      } else {
        answer.calls[call.index]!.arguments += call.function!.arguments!;
      }
    }
  }
  return answer;
}

describe('tools under "auto"', () => {
  it("go to the template, and calls come back apart from the content", async () => {
    const client = qwen(`Let me see. ${called}`);
    const body = await jsonOf<OpenAI.ChatCompletion>(client.post(chat, { ...ask, logprobs: true }));
    expect(body.choices[0]).toMatchObject({
      message: {
        role: "assistant",
        content: "Let me see.",
        tool_calls: [
          {
            id: expect.stringMatching(/^call_[0-9a-f]{24}$/),
            type: "function",
            function: { name: "weather", arguments: '{"city": "Oslo"}' },
          },
        ],
      },
      finish_reason: "tool_calls",
    });
    expect(body.choices[0]?.logprobs?.content).toHaveLength(client.engine.tokens.length);
    expect(client.engine.requests[0]).toMatchObject({ tools });
    expect(client.engine.requests[0]).not.toHaveProperty("format");
  });

  it("leave content null where there is none, and words as they are where nothing is called", async () => {
    const one = await jsonOf<OpenAI.ChatCompletion>(qwen(called).post(chat, ask));
    expect(one.choices[0]?.message.content).toBeNull();
    const none = await jsonOf<OpenAI.ChatCompletion>(qwen("No <tool> needed.").post(chat, ask));
    expect(none.choices[0]).toMatchObject({
      message: { content: "No <tool> needed." },
      finish_reason: "stop",
    });
    expect(none.choices[0]?.message).not.toHaveProperty("tool_calls");
  });

  const twice = `Two. ${called}\n${called.replace("Oslo", "Bergen")}`;
  it.each(Array.from({ length: 49 }, (_, at) => at + 1))(
    "stream as the whole answer is, cut after %i tokens",
    async (max_tokens) => {
      const client = qwen(twice);
      const body = { ...ask, max_tokens, logprobs: true };
      const whole = (await jsonOf<OpenAI.ChatCompletion>(client.post(chat, body))).choices[0]!;
      const stream = await streamed(client, body);
      expect(stream.content).toBe(whole.message.content ?? "");
      expect(stream.content).not.toMatch(/tool_call|[{]/);
      expect(stream.calls.map(({ name, arguments: json }) => ({ name, arguments: json }))).toEqual(
        (whole.message.tool_calls ?? []).map((call) => "function" in call && call.function),
      );
      expect(stream.finish).toBe(whole.finish_reason);
      expect(stream.finish).toBe(max_tokens < client.engine.tokens.length ? "length" : "tool_calls");
      expect(stream.tokens).toBe(max_tokens);
    },
  );

  it("call one at a time where parallel_tool_calls is false", async () => {
    const stream = await streamed(qwen(twice), { ...ask, parallel_tool_calls: false });
    expect(stream).toMatchObject({ calls: [{ arguments: '{"city": "Oslo"}' }], finish: "tool_calls" });
  });

  it("are refused where the template knows none", async () => {
    const error = await errorOf(await new AppClient().post(chat, ask));
    expect(error).toMatchObject({ code: "unsupported_parameter", param: "tools" });
    expect((await new AppClient().post(chat, { ...ask, tool_choice: "none" })).status).toBe(200);
  });

  it("have ids that Mistral's templates take", async () => {
    const client = qwen('[TOOL_CALLS][{"name": "now", "arguments": {}}]');
    client.engine.info = { ...client.engine.info, chatTemplate: "tools [TOOL_CALLS]" };
    expect((await streamed(client, ask)).calls[0]?.id).toMatch(/^[A-Za-z0-9]{9}$/);
  });
});

describe("a call that must be", () => {
  const schema = (name: string, json: object) => ({
    type: "object",
    properties: { name: { const: name }, arguments: json },
    required: ["name", "arguments"],
    additionalProperties: false,
  });
  const nothing = { type: "object", properties: {}, additionalProperties: false };

  it.each<[object, object]>([
    [
      { tool_choice: "required" },
      {
        type: "array",
        items: { anyOf: [schema("weather", parameters), schema("now", nothing)] },
        minItems: 1,
      },
    ],
    [
      { tool_choice: "required", parallel_tool_calls: false },
      { anyOf: [schema("weather", parameters), schema("now", nothing)] },
    ],
    [{ tool_choice: tool("now", {}) }, schema("now", nothing)],
  ])("is one by a schema, whatever the template (%j)", async (more, expected) => {
    const client = new AppClient();
    client.engine.say('{"name": "now", "arguments": {}}');
    const stream = await streamed(client, { ...ask, ...more });
    expect(stream).toMatchObject({
      content: "",
      calls: [{ name: "now", arguments: "{}" }],
      finish: "tool_calls",
    });
    expect(client.engine.requests[0]?.format).toEqual({ type: "json-schema", schema: expected });
  });

  it("keeps a schema's references to itself", async () => {
    const client = new AppClient();
    const list = {
      $ref: "#/$defs/list",
      $defs: { list: { type: "object", properties: { next: { $ref: "#" } } } },
    };
    await client.post(chat, {
      ...ask,
      tools: [...tools, tool("walk", { parameters: list })],
      tool_choice: "required",
    });
    const place = "#/items/anyOf/2/properties/arguments";
    expect(JSON.stringify(client.engine.requests[0]?.format)).toContain(
      JSON.stringify({
        $ref: `${place}/$defs/list`,
        $defs: { list: { type: "object", properties: { next: { $ref: place } } } },
      }),
    );
  });

  it("shows nothing of one that breaks off before its name", async () => {
    const client = new AppClient();
    client.engine.say('[{"name": "now", "arguments": {}}]');
    const stream = await streamed(client, { ...ask, tool_choice: "required", max_tokens: 4 });
    expect(stream).toMatchObject({ content: "", calls: [], finish: "length" });
  });
});

describe("a conversation with calls", () => {
  const call = {
    id: "call_1",
    type: "function",
    function: { name: "weather", arguments: '{"city":"Oslo"}' },
  };
  const answer = { role: "tool", tool_call_id: "call_1", content: "rain" };

  it("reaches the template with arguments as an object", async () => {
    const client = qwen("It rains.");
    const messages = [...hello.messages, { role: "assistant", content: null, tool_calls: [call] }, answer];
    expect((await client.post(chat, { ...ask, messages })).status).toBe(200);
    expect(client.engine.requests[0]?.messages).toEqual([
      ...hello.messages,
      {
        role: "assistant",
        content: "",
        tool_calls: [{ ...call, function: { name: "weather", arguments: { city: "Oslo" } } }],
      },
      answer,
    ]);
  });

  it.each<[string, object, string, string]>([
    [
      "role tool without an id",
      { role: "tool", content: "a" },
      "messages[0].tool_call_id",
      "missing_required_parameter",
    ],
    ["an id without role tool", { ...answer, role: "user" }, "messages[0].tool_call_id", "invalid_value"],
    [
      "calls of the user",
      { role: "user", content: "a", tool_calls: [call] },
      "messages[0].tool_calls",
      "invalid_value",
    ],
    [
      "arguments that are no JSON",
      { role: "assistant", tool_calls: [{ ...call, function: { name: "f", arguments: "{" } }] },
      "messages[0].tool_calls[0].function.arguments",
      "invalid_value",
    ],
    [
      "no content and no calls",
      { role: "assistant", tool_calls: [] },
      "messages[0].content",
      "missing_required_parameter",
    ],
    [
      "the older form",
      { role: "assistant", content: "", function_call: {} },
      "messages[0].function_call",
      "unsupported_parameter",
    ],
  ])("refuses %s", async (_, message, param, code) => {
    expect(await errorOf(await qwen("").post(chat, { messages: [message] }))).toMatchObject({ param, code });
  });

  it.each<[object, string, string]>([
    [{ tools: [tool("f"), tool("f")] }, "tools", "invalid_value"],
    [{ tools: [tool("f g")] }, "tools[0].function.name", "invalid_value"],
    [{ tools: [tool("f", { parameters: 1 })] }, "tools[0].function.parameters", "invalid_value"],
    [{ tools: [{ type: "retrieval" }] }, "tools[0].type", "invalid_value"],
    [{ tool_choice: "required" }, "tool_choice", "invalid_value"],
    [{ tools, tool_choice: tool("g", {}) }, "tool_choice", "invalid_value"],
    [{ tools, tool_choice: "any" }, "tool_choice", "invalid_value"],
    [{ functions: [{ name: "f" }] }, "functions", "unsupported_parameter"],
    [{ tools, response_format: { type: "json_object" } }, "response_format", "invalid_value"],
  ])("refuses %j", async (more, param, code) => {
    expect(await errorOf(await qwen("").post(chat, { ...hello, ...more }))).toMatchObject({ param, code });
  });
});
