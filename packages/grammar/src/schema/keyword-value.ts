import { GrammarError } from "../grammar-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json-format.ts";
import { limits } from "../limits.ts";
import { pathOf } from "../schema-path.ts";

/** The value of a keyword that counts something; the default where it is absent. Throws `GrammarError`. */
export function countOf(schema: JsonObject, keyword: string, path: string, absent: number): number {
  const value = schema[keyword];
  if (value === undefined) return absent;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw invalid("a non-negative integer", value, pathOf(path, keyword));
  }
  if (value > limits.count) {
    throw new GrammarError("too-large", `expected at most ${limits.count}`, pathOf(path, keyword));
  }
  return value;
}

export function numberOf(schema: JsonObject, keyword: string, path: string): number | undefined {
  const value = schema[keyword];
  if (value === undefined || typeof value === "number") return value;
  throw invalid("a number", value, pathOf(path, keyword));
}

export function stringOf(schema: JsonObject, keyword: string, path: string): string | undefined {
  const value = schema[keyword];
  if (value === undefined || typeof value === "string") return value;
  throw invalid("a string", value, pathOf(path, keyword));
}

export function objectOf(schema: JsonObject, keyword: string, path: string): JsonObject {
  const value = schema[keyword];
  if (value === undefined) return Object.create(null);
  if (isJsonObject(value)) return value;
  throw invalid("an object", value, pathOf(path, keyword));
}

export function arrayOf(
  schema: JsonObject,
  keyword: string,
  path: string,
  most: number,
): readonly JsonValue[] | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalid("an array", value, pathOf(path, keyword));
  if (value.length > most) {
    throw new GrammarError("too-large", `expected at most ${most} items`, pathOf(path, keyword));
  }
  return value;
}

/** Schemas that are alternatives or hold together; at least one. */
export function schemasOf(
  schema: JsonObject,
  keyword: string,
  path: string,
): readonly JsonValue[] | undefined {
  const value = arrayOf(schema, keyword, path, limits.alternatives);
  if (value?.length === 0)
    throw new GrammarError("invalid-schema", "expected at least one schema", pathOf(path, keyword));
  return value;
}

export function stringsOf(schema: JsonObject, keyword: string, path: string): readonly string[] {
  const value = arrayOf(schema, keyword, path, limits.schemaValues) ?? [];
  return value.map((item, index) => {
    if (typeof item === "string") return item;
    throw invalid("a string", item, pathOf(pathOf(path, keyword), index));
  });
}

function invalid(expected: string, value: JsonValue, path: string): GrammarError {
  const received = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  return new GrammarError("invalid-schema", `expected ${expected}, received ${received}`, path);
}
