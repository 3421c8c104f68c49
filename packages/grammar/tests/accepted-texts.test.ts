import { beforeAll, describe, expect, it } from "vitest";
import { Walker } from "./random-walk.ts";
import { byteVocabulary } from "./test-vocabulary.ts";

let walker: Walker;
beforeAll(async () => {
  walker = await Walker.of(byteVocabulary());
});

type Case = readonly [
  schema: Record<string, unknown> | boolean,
  allowed: readonly string[],
  refused: readonly string[],
];

const cases: Readonly<Record<string, Case>> = {
  "any value": [
    true,
    ["null", "-0.5e+10", '"\\u00e9\\n/\\/é😀"', "[]", "{}", '{"a":[1, {"b": null}],"a":2}', "true"],
    [
      "",
      "nul",
      "01",
      "1.",
      "+1",
      "'a'",
      '"\t"',
      '"\\ud800"',
      '"\\x"',
      "[1,]",
      "{,}",
      " 1",
      "1 ",
      "[ 1]",
      '{"a" :1}',
    ],
  ],
  "whitespace: one space after a comma or a colon": [
    { type: "array", items: { type: "object", properties: { a: { type: "null" }, b: { type: "null" } } } },
    ['[{"a":null,"b":null}]', '[{"a": null, "b": null}, {}]'],
    ['[ {"a":null}]', '[{"a":  null}]', '[{"a":null,\n"b":null}]', "[{}]\n"],
  ],
  type: [{ type: ["integer", "null"] }, ["1", "-1", "null"], ["1.5", '"1"', "true", "1e2"]],
  "properties and required": [
    { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["b"] },
    ['{"a":1,"b":2}', '{"b":2}'],
    ['{"a":1}', "{}", '{"b":2,"a":1}', '{"b":2,"c":1}', '{"b":2,"b":3}', '{"b":2,}'],
  ],
  additionalProperties: [
    { properties: { ab: { type: "integer" } }, additionalProperties: { type: "boolean" } },
    ['{"ab":1,"a":true}', '{"abc":true,"b":false,"é":true}', "{}", '{"":true}'],
    ['{"a":1}', '{"ab":true}', '{"\\u0061b":true}', '{"a":true,"ab":1}'],
  ],
  "minProperties and maxProperties": [
    { properties: { a: {}, b: {}, c: {} }, minProperties: 2, maxProperties: 2 },
    ['{"a":1,"b":1}', '{"a":1,"c":1}', '{"b":1,"c":1}'],
    ["{}", '{"a":1}', '{"c":1}', '{"a":1,"b":1,"c":1}'],
  ],
  "items, minItems, maxItems": [
    { items: { type: "null" }, minItems: 1, maxItems: 2 },
    ["[null]", "[null,null]"],
    ["[]", "[null,null,null]", "[1]", "[null,]"],
  ],
  prefixItems: [
    { type: "array", prefixItems: [{ type: "null" }, { type: "boolean" }] },
    ["[]", "[null]", "[null,true]"],
    ["[true]", "[null,null]", "[null,true,1]"],
  ],
  "uniqueItems of one": [{ type: "array", uniqueItems: true, maxItems: 1 }, ["[]", "[1]"], ["[1,2]"]],
  "minLength and maxLength, in code points": [
    { type: "string", minLength: 2, maxLength: 3 },
    ['"ab"', '"😀😀"', '"\\u0041\\n/"'],
    ['"a"', '"😀"', '"\\u0041"', '"abcd"', '""'],
  ],
  "pattern, anywhere": [
    { type: "string", pattern: "b{2}" },
    ['"bb"', '"abbc"', '"\\"bb"'],
    ['"b"', '""', '"bab"'],
  ],
  "pattern, whole": [
    { type: "string", pattern: "^a.[^b\\n]$" },
    ['"abc"', '"aé\\""'],
    ['"abb"', '"abcd"', '"a\\nc"'],
  ],
  "pattern with alternatives": [
    { type: "string", pattern: "^(a|bc)*$|^d" },
    ['""', '"abca"', '"dx"'],
    ['"b"', '"cd"'],
  ],
  "minimum and maximum": [
    { type: "integer", minimum: -12, maximum: 105 },
    ["-12", "-9", "0", "99", "105"],
    ["-13", "106", "-0", "1000", "-20", "00"],
  ],
  "exclusive bounds": [
    { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 2.5 },
    ["0.001", "1", "2.49", "2.4999"],
    ["0", "0.0", "2.5", "2.50", "3", "-1", "1e0"],
  ],
  multipleOf: [{ type: "number", multipleOf: 7 }, ["0", "7", "-14", "7000"], ["1", "8", "7.0"]],
  "enum and const": [
    { anyOf: [{ enum: ["a", 1, { b: [null] }] }, { const: "ab" }] },
    ['"a"', "1", '{"b":[null]}', '"ab"'],
    ['"b"', '{"b": [null]}', '"abc"'],
  ],
  "enum beside type": [{ enum: ["a", 1, null], type: ["string", "null"] }, ['"a"', "null"], ["1"]],
  $ref: [
    { $ref: "#/$defs/a~1b%20c", $defs: { "a/b c": { type: "array", items: { $ref: "#" } } } },
    ["[]", "[[],[[]]]"],
    ["[1]", "{}"],
  ],
  allOf: [
    {
      allOf: [
        { type: "integer", minimum: 3 },
        { maximum: 5, type: "number" },
      ],
      minimum: 4,
    },
    ["4", "5"],
    ["3", "6", "4.5"],
  ],
  "allOf, closed by one of them": [
    {
      allOf: [
        { properties: { a: true }, additionalProperties: false },
        { properties: { a: { type: "null" }, b: true } },
      ],
    },
    ['{"a":null}', "{}"],
    ['{"b":1}', '{"a":1}'],
  ],
  "anyOf beside other keywords": [
    { type: "string", anyOf: [{ maxLength: 1 }, { pattern: "^abc$" }] },
    ['"a"', '"abc"'],
    ['"ab"', "1"],
  ],
  oneOf: [
    { oneOf: [{ type: "string" }, { type: "integer" }, { const: null }] },
    ['"a"', "1", "null"],
    ["1.5", "[]"],
  ],
  "format: date": [
    { type: "string", format: "date" },
    ['"2024-12-31"', '"2023-04-30"'],
    ['"2024-13-01"', '"2023-04-31"'],
  ],
  "annotations only": [
    { title: "t", description: "d", default: 1, examples: [], "x-mine": 1 },
    ["1", "null"],
    [""],
  ],
};

describe("masks allow exactly what they should", () => {
  it.each(Object.keys(cases))("%s", (title) => {
    const [schema, allowed, refused] = cases[title]!;
    const start = walker.compiled({ type: "json-schema", schema });
    expect(allowed.filter((text) => !walker.allows(start, text))).toEqual([]);
    expect(refused.filter((text) => walker.allows(start, text))).toEqual([]);
  });

  it("any object", () => {
    const start = walker.compiled({ type: "json-object" });
    expect(['{"a": [1]}', "{}"].filter((text) => !walker.allows(start, text))).toEqual([]);
    expect(["[]", "1", '"a"', "{} "].filter((text) => walker.allows(start, text))).toEqual([]);
  });

  it("nesting of free values ends at 32 levels", () => {
    const start = walker.compiled({ type: "json-schema", schema: true });
    expect(walker.allows(start, "[".repeat(32) + "]".repeat(32))).toBe(true);
    expect(walker.allows(start, "[".repeat(33) + "]".repeat(33))).toBe(false);
  });
});

describe("a mask", () => {
  const string = { type: "json-schema", schema: { type: "string", maxLength: 2 } } as const;
  const tokens = (ids: readonly number[]) =>
    ids.map((id) => Buffer.from(walker.vocabulary.tokenBytes(id)).toString("latin1"));

  it("allows tokens that are parts of characters where the rest can follow", () => {
    const matcher = walker.compiled(string)();
    matcher.accept(0x22);
    const halves = ["ð\u009f", "ä¸\u00adæ"];
    expect(tokens(walker.allowed(matcher).ids)).toEqual(expect.arrayContaining(halves));
    const half = walker.allowed(matcher).ids.find((id) => tokens([id])[0] === halves[0])!;
    matcher.accept(half);
    expect(tokens(walker.allowed(matcher).ids)).toEqual(
      expect.arrayContaining(["\u0098\u0080", '\u0098\u0080"']),
    );
    expect(walker.allowed(matcher).ids).not.toContain(0x22);
  });

  it("never allows bytes that are no UTF-8, special tokens, or ids that no token has", () => {
    const matcher = walker.compiled(string)();
    matcher.accept(0x22);
    const { ids } = walker.allowed(matcher);
    expect(
      tokens(ids).filter((text) =>
        ["í\u00a0\u0080", "A\u0080", "\u0080", "\u00c0", "\u00ff", ""].includes(text),
      ),
    ).toEqual([]);
    expect(Math.max(...ids)).toBeLessThan(walker.vocabulary.vocabSize - 2);
  });

  it("counts what longer tokens bring", () => {
    const matcher = walker.compiled(string)();
    for (const id of [0x22, 0x61]) matcher.accept(id);
    const after = tokens(walker.allowed(matcher).ids);
    expect(after).toContain('"');
    expect(after).not.toContain("ab");
    expect(after).not.toContain("ä¸\u00adæ\u0096\u0087");
  });

  it("has the stop token exactly where the value may end", () => {
    const matcher = walker.compiled({
      type: "json-schema",
      schema: { type: "integer", maximum: 12, minimum: 1 },
    })();
    const [stop] = walker.vocabulary.eosIds;
    expect(walker.allowed(matcher).ids).not.toContain(stop);
    matcher.accept(0x31);
    expect(walker.allowed(matcher)).toEqual({ ids: [0x30, 0x31, 0x32, stop], done: false });
    matcher.accept(0x32);
    expect(walker.allowed(matcher)).toEqual({ ids: [stop], done: true });
    matcher.accept(stop!);
    expect(walker.allowed(matcher)).toEqual({ ids: [stop], done: true });
    expect(() => matcher.accept(0x31)).toThrow(expect.objectContaining({ code: "rejected-token" }));
  });
});
