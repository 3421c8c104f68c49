import { beforeAll, describe, expect, it } from "vitest";
import { GrammarError } from "../src/grammar-error.ts";
import { Walker } from "./random-walk.ts";
import { byteVocabulary } from "./test-vocabulary.ts";

let walker: Walker;
beforeAll(async () => {
  walker = await Walker.of(byteVocabulary());
});

function refusal(schema: unknown): { code: string; path: string | undefined; message: string } {
  try {
    walker.compiled({ type: "json-schema", schema: schema as Record<string, unknown> });
  } catch (error) {
    if (error instanceof GrammarError) return { code: error.code, path: error.path, message: error.message };
    throw error;
  }
  throw new Error("nothing was refused");
}

const object = (properties: unknown) => ({ type: "object", properties });
const nested = (levels: number) => {
  let schema: unknown = true;
  for (let i = 0; i < levels; i++) schema = { items: schema };
  return schema;
};
const cyclic: Record<string, unknown> = {};
cyclic.items = cyclic;

describe("what a schema may not say", () => {
  it.each([
    ["patternProperties", { "^a": true }],
    ["propertyNames", { maxLength: 3 }],
    ["unevaluatedProperties", false],
    ["unevaluatedItems", false],
    ["additionalItems", true],
    ["dependentRequired", {}],
    ["dependentSchemas", {}],
    ["dependencies", {}],
    ["contains", true],
    ["minContains", 1],
    ["maxContains", 1],
    ["if", true],
    ["then", true],
    ["else", true],
    ["not", {}],
    ["nullable", true],
    ["$dynamicRef", "#a"],
    ["$anchor", "a"],
    ["id", "a"],
    ["mistyped", 1],
  ])("%s is refused by name", (keyword, value) => {
    expect(refusal(object({ x: { [keyword]: value } }))).toMatchObject({
      code: "unsupported-schema",
      path: `schema.properties.x.${keyword}`,
    });
  });

  it.each<[string, unknown, string, string]>([
    ["a type that does not exist", { type: "text" }, "invalid-schema", "schema.type"],
    ["a schema that is no schema", object({ "a b": 3 }), "invalid-schema", 'schema.properties["a b"]'],
    ["items as a list", { items: [true] }, "invalid-schema", "schema.items"],
    ["properties as a list", { properties: [] }, "invalid-schema", "schema.properties"],
    ["required that are no strings", { required: [1] }, "invalid-schema", "schema.required[0]"],
    ["a negative count", { minLength: -1 }, "invalid-schema", "schema.minLength"],
    ["half a count", { maxItems: 1.5 }, "invalid-schema", "schema.maxItems"],
    ["a huge count", { maxLength: 2 ** 40 }, "too-large", "schema.maxLength"],
    ["a bound that is no number", { minimum: "1" }, "invalid-schema", "schema.minimum"],
    [
      "bounds of draft 4",
      { minimum: 1, exclusiveMinimum: true },
      "invalid-schema",
      "schema.exclusiveMinimum",
    ],
    ["a multiple of nothing", { multipleOf: 0 }, "invalid-schema", "schema.multipleOf"],
    ["fractions as multiples", { multipleOf: 0.01 }, "unsupported-schema", "schema.multipleOf"],
    ["unique items", { type: "array", uniqueItems: true }, "unsupported-schema", "schema.uniqueItems"],
    ["a format that is not known", { format: "iri" }, "unsupported-schema", "schema.format"],
    ["a pattern beside a format", { format: "date", pattern: "^2" }, "unsupported-schema", "schema.format"],
    ["a pattern that is none", { pattern: "(" }, "invalid-schema", "schema.pattern"],
    ["a long pattern", { pattern: "a".repeat(2_000) }, "too-large", "schema.pattern"],
    ["a pattern that unfolds", { pattern: "(((a{99}){99}){99}){99}" }, "too-large", "schema.pattern"],
    ["look-ahead", { pattern: "^(?=a)b" }, "unsupported-schema", "schema.pattern"],
    ["word boundaries", { pattern: "\\ba" }, "unsupported-schema", "schema.pattern"],
    ["backreferences", { pattern: "(a)\\1" }, "unsupported-schema", "schema.pattern"],
    ["properties of characters", { pattern: "\\p{L}" }, "unsupported-schema", "schema.pattern"],
    ["an anchor within", { pattern: "a(^b)" }, "unsupported-schema", "schema.pattern"],
    ["an empty list of alternatives", { anyOf: [] }, "invalid-schema", "schema.anyOf"],
    [
      "alternatives that overlap",
      { oneOf: [{ type: "number" }, { type: "integer" }] },
      "unsupported-schema",
      "schema.oneOf",
    ],
    [
      "alternatives that say little",
      { oneOf: [{ type: "object" }, { properties: {} }] },
      "unsupported-schema",
      "schema.oneOf",
    ],
    ["enum beside other keywords", { enum: ["a"], minLength: 1 }, "unsupported-schema", "schema.minLength"],
    ["a reference elsewhere", { $ref: "https://example.com/a" }, "unsupported-schema", "schema.$ref"],
    ["a reference to nothing", { $ref: "#/$defs/a" }, "invalid-schema", "schema.$ref"],
    ["a reference to what every object has", { $ref: "#/constructor" }, "invalid-schema", "schema.$ref"],
    ["a broken reference", { $ref: "#/%" }, "invalid-schema", "schema.$ref"],
    ["an $id within", { items: { $id: "x" } }, "unsupported-schema", "schema.items.$id"],
    [
      "errors where a reference leads",
      { $ref: "#/$defs/a", $defs: { a: { type: 1 } } },
      "invalid-schema",
      "schema.$defs.a.type",
    ],
    ["two patterns", { allOf: [{ pattern: "a" }, { pattern: "b" }] }, "unsupported-schema", "schema.pattern"],
    [
      "more members than can be counted",
      { additionalProperties: { type: "null" }, minProperties: 2 },
      "unsupported-schema",
      "schema.minProperties",
    ],
  ])("%s", (_, schema, code, path) => {
    expect(refusal(schema)).toMatchObject({ code, path });
  });

  it.each<[string, unknown]>([
    ["false", false],
    ["a reference to itself", { $ref: "#" }],
    [
      "a circle of references",
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
    ],
    ["a merged circle", { allOf: [{ $ref: "#" }], type: "object" }],
    ["a value that never ends", { properties: { a: { $ref: "#" } }, required: ["a"] }],
    ["items that never end", { type: "array", items: { $ref: "#" }, minItems: 1 }],
    ["bounds that cross", { type: "integer", minimum: 3, maximum: 2 }],
    ["lengths that cross", { type: "string", minLength: 3, maxLength: 2 }],
    ["no integer between", { type: "integer", exclusiveMinimum: 1, exclusiveMaximum: 2 }],
    ["an empty enum", { enum: [] }],
    ["a constant of another type", { const: 1, type: "string" }],
    ["a class without characters", { type: "string", pattern: "^[^\\s\\S]$" }],
    ["a pattern longer than allowed", { type: "string", pattern: "^a{5}$", maxLength: 4 }],
    ["a required property that is closed out", { required: ["a"], additionalProperties: false }],
    ["types that exclude each other", { allOf: [{ type: "string" }, { type: "null" }] }],
  ])("nothing satisfies it: %s", (_, schema) => {
    expect(refusal(schema).code).toBe("invalid-schema");
  });
});

describe("schemas that are made to hurt get an error or soon work", () => {
  it.each<[string, unknown, string]>([
    ["deep", nested(100), "too-large"],
    ["cyclic", cyclic, "too-large"],
    ["long", { description: "a".repeat(300_000) }, "too-large"],
    [
      "wide",
      object(Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`p${i}`, true]))),
      "too-large",
    ],
    ["a long enum", { enum: Array.from({ length: 3_000 }, (_, i) => i) }, "too-large"],
    ["many alternatives", { anyOf: Array.from({ length: 200 }, () => ({})) }, "too-large"],
    ["sparse", { enum: new Array(2 ** 31) }, "too-large"],
    ["not JSON", { default: () => 1 }, "invalid-schema"],
    ["not finite", { minimum: Number.NaN }, "invalid-schema"],
    ["bigint", { minimum: 1n }, "invalid-schema"],
    ["a list", [], "invalid-schema"],
    ["null", null, "invalid-schema"],
    ["text", "{}", "invalid-schema"],
    ["nothing", undefined, "invalid-schema"],
  ])("%s", (_, schema, code) => {
    expect(refusal(schema).code).toBe(code);
  });

  it.each<[string, unknown]>([
    [
      "references that multiply",
      {
        $ref: "#/$defs/d20",
        $defs: Object.fromEntries(
          Array.from({ length: 21 }, (_, i) => [
            `d${i}`,
            i === 0
              ? { type: "null" }
              : {
                  type: "array",
                  prefixItems: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }],
                },
          ]),
        ),
      },
    ],
    [
      "a long chain of references",
      {
        $ref: "#/$defs/d0",
        $defs: Object.fromEntries(
          Array.from({ length: 5_000 }, (_, i) => [`d${i}`, i < 4_999 ? { $ref: `#/$defs/d${i + 1}` } : {}]),
        ),
      },
    ],
    [
      "many optional properties",
      object(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`p${i}`, { type: "null" }]))),
    ],
    [
      "alternatives that stay alike",
      { anyOf: Array.from({ length: 100 }, (_, i) => ({ items: { $ref: "#" }, maxItems: 200 + i })) },
    ],
    [
      "a bound of a million",
      { type: "array", items: { type: "string", minLength: 0, maxLength: 1_000_000 }, maxItems: 1_000_000 },
    ],
    [
      "many states at the same time",
      { type: "string", pattern: "(a|b|ab|ba|aab|bba)*(a{1,60}b{1,60}){1,10}$" },
    ],
  ])("%s", (_, schema) => {
    const matcher = walker.compiled({ type: "json-schema", schema: schema as Record<string, unknown> })();
    for (let i = 0; i < 20; i++) {
      const { ids } = walker.allowed(matcher);
      const id = ids.find((one) => one < 256)!;
      if (walker.vocabulary.eosIds.includes(ids[0]!)) return;
      matcher.accept(id);
    }
  });
});
