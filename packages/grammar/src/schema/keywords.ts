import { GrammarError } from "../grammar-error.ts";
import type { JsonObject } from "../json-format.ts";
import { pathOf } from "../schema-path.ts";

/** The types of values, as schemas name them. */
export const typeNames = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;

export type TypeName = (typeof typeNames)[number];

/** The keywords that say something about values of one type only. */
export const keywordsOf = {
  object: ["properties", "required", "additionalProperties", "minProperties", "maxProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
} as const satisfies Partial<Record<TypeName, readonly string[]>>;

const GENERAL = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"];

/** Keywords that do not change which values are valid, or that only hold what others refer to. */
const ANNOTATIONS = new Set([
  ...["title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"],
  ...["contentEncoding", "contentMediaType", "contentSchema", "discriminator"],
  ...["$comment", "$schema", "$defs", "definitions"],
]);

const ENFORCED = new Set<string>([...GENERAL, ...Object.values(keywordsOf).flat()]);

export function isAnnotation(keyword: string): boolean {
  return ANNOTATIONS.has(keyword) || keyword.startsWith("x-");
}

/** The schema without what does not change which values are valid. Throws `GrammarError` for what it cannot enforce. */
export function enforcedPart(schema: JsonObject, path: string): JsonObject {
  const result: Record<string, JsonObject[string]> = Object.create(null);
  for (const [keyword, value] of Object.entries(schema)) {
    if (isAnnotation(keyword)) continue;
    if (keyword === "$id" && path === "schema") continue;
    if (!ENFORCED.has(keyword)) {
      throw new GrammarError("unsupported-schema", "this keyword cannot be enforced", pathOf(path, keyword));
    }
    result[keyword] = value;
  }
  return result;
}
