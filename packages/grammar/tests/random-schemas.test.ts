import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { GrammarError } from "../src/grammar-error.ts";
import type { JsonValue } from "../src/json-format.ts";
import { randomFrom, Walker } from "./random-walk.ts";
import { byteVocabulary } from "./test-vocabulary.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
let walker: Walker;
beforeAll(async () => {
  walker = await Walker.of(byteVocabulary());
});

const count = fc.integer({ min: 0, max: 4 });
const bound = fc.oneof(fc.integer({ min: -30, max: 30 }), fc.double({ min: -5, max: 5, noNaN: true }));
const name = fc.constantFrom("a", "ab", "é", "", 'q"', "constructor");
const literal = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.constantFrom("a", "ab", null, true, { x: [1] }, "😀\n"),
);

const { schema } = fc.letrec<{ schema: Record<string, unknown> | boolean }>((tie) => {
  const nested = tie("schema");
  const some = <T>(shape: Record<string, fc.Arbitrary<T>>) => fc.record(shape, { requiredKeys: [] });
  return {
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<Record<string, unknown> | boolean>(
        true,
        {},
        { type: "boolean" },
        { type: "null" },
        { $ref: "#" },
      ),
      some<unknown>({
        type: fc.constant("string"),
        minLength: count,
        maxLength: count,
        pattern: fc.constantFrom("^a*$", "b", "^[é😀]{1,3}|x"),
      }),
      some<unknown>({
        type: fc.constantFrom("number", "integer"),
        minimum: bound,
        exclusiveMaximum: bound,
        multipleOf: fc.integer({ min: 1, max: 5 }),
      }),
      fc.record({ enum: fc.array(literal, { minLength: 1, maxLength: 4 }) }),
      some<unknown>({
        type: fc.constant("array"),
        items: nested,
        prefixItems: fc.array(nested, { minLength: 1, maxLength: 2 }),
        minItems: count,
        maxItems: count,
      }),
      some<unknown>({
        type: fc.constant("object"),
        properties: fc.dictionary(name, nested, { maxKeys: 3 }),
        required: fc.uniqueArray(name, { maxLength: 2 }),
        additionalProperties: nested,
        minProperties: fc.integer({ min: 0, max: 2 }),
        maxProperties: count,
      }),
      some<unknown>({
        anyOf: fc.array(nested, { minLength: 1, maxLength: 3 }),
        type: fc.constantFrom("string", "object"),
      }),
      some<unknown>({ allOf: fc.array(nested, { minLength: 1, maxLength: 2 }) }),
      some<unknown>({ oneOf: fc.array(nested, { minLength: 1, maxLength: 2 }) }),
    ),
  };
});

describe("any schema that is not refused", () => {
  it("describes every text of random tokens that masks allow", () => {
    let compiled = 0;
    fc.assert(
      fc.property(schema, fc.nat(), (any, seed) => {
        const start = startOf(any);
        if (start === undefined) return;
        compiled++;
        const validate = new Ajv2020({ strict: false, ownProperties: true }).compile(
          any as Record<string, unknown>,
        );
        for (let i = 0; i < 4; i++) {
          const bytes = walker.text(start(), randomFrom(seed + i), 120);
          if (bytes === undefined) continue;
          // Where a schema refers to itself for the same value, the validator never ends; masks go by the rest of it.
          const value = JSON.parse(decoder.decode(bytes)) as JsonValue;
          if (!isValid(validate, value))
            throw new Error(`${JSON.stringify(value)}: ${JSON.stringify(validate.errors)}`);
        }
      }),
      { numRuns: 400 },
    );
    expect(compiled).toBeGreaterThan(50);
  });
});

function isValid(validate: (value: JsonValue) => unknown, value: JsonValue): boolean {
  try {
    return validate(value) === true;
  } catch (error) {
    if (error instanceof RangeError) return true;
    throw error;
  }
}

function startOf(any: Record<string, unknown> | boolean) {
  try {
    return walker.compiled({ type: "json-schema", schema: any });
  } catch (error) {
    if (error instanceof GrammarError) return undefined;
    throw error;
  }
}
