import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TextDelta, ToolCallParser, type ToolCallParserOptions } from "./tool-call-parser.ts";
import { constrainedFormat, type ToolFormat, toolFormatOf } from "./tool-format.ts";

const hermes = toolFormatOf("<tool_call>")!;
const llama = toolFormatOf("tools <|python_tag|>")!;
const mistral = toolFormatOf("tools [TOOL_CALLS]")!;
const deepseek = toolFormatOf("<｜tool▁sep｜>")!;
const plain = toolFormatOf("{{ tools }}")!;
const formats: readonly ToolFormat[] = [hermes, llama, mistral, deepseek, plain];

type Answer = { content: string; calls: { name: string; arguments: string }[] };

function read(
  format: ToolFormat,
  pieces: readonly string[],
  options: Partial<ToolCallParserOptions> = {},
  cutOff = false,
): Answer {
  const names = ["get_weather", "f", "g"];
  const parser = new ToolCallParser(format, {
    isTool: (name) => names.includes(name),
    callsOnly: false,
    maxCalls: Number.POSITIVE_INFINITY,
    ...options,
  });
  const answer: Answer = { content: "", calls: [] };
  const add = (delta: TextDelta) => {
    if ("content" in delta) answer.content += delta.content;
    else if ("name" in delta) answer.calls[delta.call] = { name: delta.name, arguments: "" };
    else answer.calls[delta.call]!.arguments += delta.arguments;
  };
  for (const piece of pieces) parser.push(piece).forEach(add);
  parser.end(cutOff).forEach(add);
  expect(parser.calls).toBe(answer.calls.length);
  return answer;
}

const f = (json = '{"a": 1}') => ({ name: "f", arguments: json });
const marked = (text: string) => `<｜tool▁calls▁begin｜>${text}<｜tool▁calls▁end｜>`;
const marks = (name: string, json: string) =>
  `<｜tool▁call▁begin｜>${name}<｜tool▁sep｜>${json}<｜tool▁call▁end｜>`;

describe("a text with calls", () => {
  it.each<[string, ToolFormat, string, string, Answer["calls"]]>([
    ["one call", hermes, '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>', "", [f()]],
    [
      "words before and two calls",
      hermes,
      'Let me see.\n\n<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>\n<tool_call>{"name": "g", "arguments": {}}</tool_call>\n',
      "Let me see.",
      [f(), { name: "g", arguments: "{}" }],
    ],
    ["arguments before the name", hermes, '<tool_call>{"arguments": {"a": 1}, "name": "f"}', "", [f()]],
    ["no arguments", hermes, '<tool_call>{"name": "f"}</tool_call>', "", [f("{}")]],
    ["null for arguments", hermes, '<tool_call>{"name": "f", "arguments": null}</tool_call>', "", [f("{}")]],
    [
      "arguments as a string of JSON",
      hermes,
      '<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>',
      "",
      [f()],
    ],
    [
      "brackets, quotes and escapes within strings",
      hermes,
      '<tool_call>{"name": "f", "arguments": {"a": "}]{\\"\\\\", "b": ["}"]}}</tool_call>',
      "",
      [f('{"a": "}]{\\"\\\\", "b": ["}"]}')],
    ],
    [
      "one bracket too many",
      hermes,
      '<tool_call>{"name": "f", "arguments": {"a": 1}}}</tool_call>ok',
      "ok",
      [f()],
    ],
    ["one too few", hermes, '<tool_call>{"name": "f", "arguments": {"a": 1}</tool_call>', "", [f()]],
    [
      "a tool that nobody offered",
      hermes,
      '<tool_call>{"name": "h"}</tool_call>',
      "",
      [{ name: "h", arguments: "{}" }],
    ],
    ["no JSON between the markers", hermes, "a <tool_call>hm</tool_call> b", "a hm b", []],
    ["another object", hermes, '<tool_call>{"x": 1}</tool_call>', '{"x": 1}', []],
    ["what only begins like a marker", hermes, "1 <tool 2 <tool_call", "1 <tool 2 <tool_call", []],
    ["white space alone", hermes, " \n", " \n", []],
    ["JSON without a marker", hermes, '{"name": "f"}', '{"name": "f"}', []],
    ["Llama's object", llama, '{"name": "f", "parameters": {"a": 1}}', "", [f()]],
    ["its type first", llama, '\n{"type": "function", "name": "f", "parameters": {"a": 1}}', "", [f()]],
    [
      "several, with semicolons",
      llama,
      '{"name": "f"}; {"name": "g"}',
      "",
      [f("{}"), { name: "g", arguments: "{}" }],
    ],
    ["its tag", llama, '<|python_tag|>{"name": "f", "parameters": {"a": 1}}', "", [f()]],
    ["code after the tag", llama, "<|python_tag|>print(1)", "print(1)", []],
    ["an object that is no call", llama, '{"name": "Bo", "age": 3}', '{"name": "Bo", "age": 3}', []],
    ["a call in the middle of words", llama, 'So {"name": "f"}', 'So {"name": "f"}', []],
    ["words after a call", llama, '{"name": "f"} and so on', "and so on", [f("{}")]],
    [
      "Mistral's list",
      mistral,
      '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}, "id": "123456789"}]',
      "",
      [f()],
    ],
    ["its list without the marker", mistral, ' [{"name": "f", "arguments": {"a": 1}}]', "", [f()]],
    ["another list", mistral, "[1, 2] is a list", "[1, 2] is a list", []],
    ["an empty one", mistral, "[]", "[]", []],
    ["DeepSeek's markers", deepseek, `So:\n${marked(marks("f", '{"a": 1}'))}`, "So:", [f()]],
    [
      "two of them",
      deepseek,
      marked(`${marks("f", '{"a": 1}')}\n${marks("g", "\n{}\n")}`),
      "",
      [f(), { name: "g", arguments: "{}" }],
    ],
    ["arguments that lack", deepseek, marked(marks("f", "")), "", [f("{}")]],
    ["plain JSON", plain, '{"name": "f", "arguments": {"a": 1}}', "", [f()]],
  ])("%s", (_, format, text, content, calls) => {
    expect(read(format, [text])).toEqual({ content, calls });
    expect(read(format, [...text])).toEqual({ content, calls });
  });
});

describe("a text that breaks off", () => {
  it.each<[string, ToolFormat, string, Answer]>([
    ["within a name", hermes, '<tool_call>{"name": "ge', { content: "", calls: [] }],
    [
      "within arguments",
      hermes,
      '<tool_call>{"name": "f", "arguments": {"a',
      { content: "", calls: [f('{"a')] },
    ],
    [
      "in a second call",
      hermes,
      '<tool_call>{"name": "f"}</tool_call><tool_call>{"na',
      { content: "", calls: [f("{}")] },
    ],
    ["in a name without a marker", llama, '{"name": "f', { content: '{"name": "f', calls: [] }],
    ["in a second one", mistral, '[{"name": "f", "arguments": {}}, {"na', { content: "", calls: [f("{}")] }],
    [
      "in DeepSeek's name",
      deepseek,
      "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>ge",
      { content: "", calls: [] },
    ],
    [
      "in DeepSeek's arguments",
      deepseek,
      '<｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a"',
      { content: "", calls: [f('{"a"')] },
    ],
    ["within a marker", hermes, "So <tool_", { content: "So ", calls: [] }],
  ])("%s", (_, format, text, expected) => {
    expect(read(format, [text], {}, true)).toEqual(expected);
  });
});

it("made by a schema is nothing but calls", () => {
  const only = { callsOnly: true };
  expect(read(constrainedFormat, ['[{"name": "f", "arguments": {"a": 1}}]'], only)).toEqual({
    content: "",
    calls: [f()],
  });
  expect(read(constrainedFormat, ['{"name": "ge'], only)).toEqual({ content: "", calls: [] });
});

it("reports as many calls as are wanted", () => {
  const text = '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'.repeat(3);
  expect(read(hermes, [text], { maxCalls: 1 })).toEqual({ content: "", calls: [f()] });
});

/** Texts of all sorts, with much in them that the formats look for. */
const scraps = fc.constantFrom(
  ...[
    "<tool_call>",
    "</tool_call>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁sep｜>",
  ],
  ...[
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<tool_",
    "<",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ";",
    " ",
    "\n",
    '"',
    "\\",
  ],
  ...['{"name": "f"', '"name"', '"f"', '"arguments":', '"parameters": {"a": [1]}', "1", "null", "f", "🦙"],
);
const text = fc.array(scraps, { maxLength: 14 }).map((parts) => parts.join(""));
const sinks = fc.constantFrom(...formats);

it("is read alike however it is cut", () => {
  fc.assert(
    fc.property(sinks, text, fc.array(fc.nat({ max: 6 }), { maxLength: 40 }), (format, whole, lengths) => {
      const pieces: string[] = [];
      let at = 0;
      for (const length of lengths) {
        pieces.push(whole.slice(at, at + length));
        at += length;
      }
      pieces.push(whole.slice(at));
      expect(read(format, pieces)).toEqual(read(format, [whole]));
    }),
    { numRuns: 3000 },
  );
});

it("never leaks a marker, and loses no word outside of calls", () => {
  fc.assert(
    fc.property(sinks, text, (format, whole) => {
      const { content } = read(format, [whole]);
      for (const marker of [...format.open, ...format.close]) expect(content).not.toContain(marker);
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(sinks, fc.string(), (format, words) => {
      fc.pre(!/^\s*[{[]/.test(words) && !words.includes("<"));
      expect(read(format, [words])).toEqual({ content: words, calls: [] });
    }),
  );
});

it("reads any call that a format can write", () => {
  const json = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value));
  const writers: readonly (readonly [ToolFormat, (call: Answer["calls"][number]) => string])[] = [
    [hermes, (call) => `<tool_call>\n{"name": "${call.name}", "arguments": ${call.arguments}}\n</tool_call>`],
    [llama, (call) => `{"name": "${call.name}", "parameters": ${call.arguments}}`],
    [mistral, (call) => `[TOOL_CALLS][{"name": "${call.name}", "arguments": ${call.arguments}}]`],
    [deepseek, (call) => marked(marks(call.name, call.arguments))],
    [plain, (call) => `[{"arguments": ${call.arguments}, "name": "${call.name}"}]`],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...writers), json, ([format, write], given) => {
      fc.pre(![...format.open, ...format.close].some((marker) => given.includes(marker)));
      expect(read(format, [write(f(given))])).toEqual({ content: "", calls: [f(given)] });
    }),
  );
});
