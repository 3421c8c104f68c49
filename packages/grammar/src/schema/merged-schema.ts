import { GrammarError } from "../grammar-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json-format.ts";
import { pathOf } from "../schema-path.ts";
import { canonicalText } from "./canonical-text.ts";
import { typesOf } from "./schema-types.ts";

type Members = Record<string, JsonValue>;

const LARGER = new Set(["minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum"]);
const SMALLER = new Set(["maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum"]);
const ABOUT_ITEMS = ["items", "prefixItems"];

/**
 * One schema for the values that satisfy both. Neither has `$ref` or `allOf`; the result may have `allOf` deeper
 * down. Throws `GrammarError` for what cannot be said in one schema.
 */
export function mergedSchema(a: JsonObject, b: JsonObject, path: string): JsonObject {
  const result: Members = Object.assign(Object.create(null), a);
  for (const [keyword, value] of Object.entries(b)) {
    const before = a[keyword];
    if (before === undefined || canonicalText(before) === canonicalText(value)) result[keyword] = value;
    else result[keyword] = bothValues(keyword, before, value, a, b, path);
  }
  if ("additionalProperties" in a || "additionalProperties" in b) closeProperties(result, a, b);
  const aboutItems = [a, b].filter((schema) => ABOUT_ITEMS.some((keyword) => keyword in schema));
  if (aboutItems.length === 2 && aboutItems.some((schema) => "prefixItems" in schema)) {
    if (
      ABOUT_ITEMS.some((keyword) => canonicalText(a[keyword] ?? true) !== canonicalText(b[keyword] ?? true))
    ) {
      throw cannotMerge("prefixItems", path);
    }
  }
  return result;
}

function bothValues(
  keyword: string,
  before: JsonValue,
  value: JsonValue,
  a: JsonObject,
  b: JsonObject,
  path: string,
): JsonValue {
  if (typeof before === "number" && typeof value === "number") {
    if (LARGER.has(keyword)) return Math.max(before, value);
    if (SMALLER.has(keyword)) return Math.min(before, value);
  }
  if (Array.isArray(before) && Array.isArray(value)) {
    if (keyword === "required") return [...new Set([...before, ...value])];
    if (keyword === "enum") {
      const known = new Set(before.map(canonicalText));
      return value.filter((one) => known.has(canonicalText(one)));
    }
  }
  if (keyword === "type") return commonTypes(a, b, path);
  if (keyword === "properties" && isJsonObject(before) && isJsonObject(value)) {
    const properties: Members = Object.assign(Object.create(null), before);
    for (const [name, schema] of Object.entries(value)) {
      const other = before[name];
      properties[name] = other === undefined ? schema : bothSchemas(other, schema);
    }
    return properties;
  }
  if (keyword === "items" || keyword === "additionalProperties") return bothSchemas(before, value);
  throw cannotMerge(keyword, path);
}

/** What one side says about further properties holds for those that only the other one names. */
function closeProperties(result: Members, a: JsonObject, b: JsonObject): void {
  const properties: Members = Object.create(null);
  for (const [name, schema] of Object.entries(isJsonObject(result.properties) ? result.properties : {})) {
    const further = [a, b].flatMap(({ properties: own, additionalProperties }) =>
      additionalProperties === undefined || (isJsonObject(own) && name in own) ? [] : [additionalProperties],
    );
    properties[name] = further.reduce(bothSchemas, schema);
  }
  result.properties = properties;
}

function bothSchemas(a: JsonValue, b: JsonValue): JsonValue {
  if (a === false || b === false) return false;
  if (a === true) return b;
  if (b === true || canonicalText(a) === canonicalText(b)) return a;
  return { allOf: [a, b] };
}

function commonTypes(a: JsonObject, b: JsonObject, path: string): JsonValue {
  const [first, second] = [typesOf(a, path), typesOf(b, path)];
  return [...(first ?? [])].flatMap((name) => {
    if (second?.has(name) || (name === "integer" && second?.has("number"))) return [name];
    return name === "number" && second?.has("integer") ? ["integer"] : [];
  });
}

function cannotMerge(keyword: string, path: string): GrammarError {
  return new GrammarError(
    "unsupported-schema",
    "this keyword, given twice for the same value, cannot be enforced",
    pathOf(path, keyword),
  );
}
