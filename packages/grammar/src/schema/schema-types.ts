import { GrammarError } from "../grammar-error.ts";
import type { JsonObject, JsonValue } from "../json-format.ts";
import { pathOf } from "../schema-path.ts";
import { keywordsOf, type TypeName, typeNames } from "./keywords.ts";

/**
 * The types that a schema lets values have: those that it names, or else those that its keywords are about;
 * undefined where it says nothing. Throws `GrammarError`.
 */
export function typesOf(schema: JsonObject, path: string): ReadonlySet<TypeName> | undefined {
  const { type } = schema;
  if (type === undefined) {
    const about = (Object.keys(keywordsOf) as (keyof typeof keywordsOf)[]).filter((name) =>
      keywordsOf[name].some((keyword) => keyword in schema),
    );
    return about.length === 0 ? undefined : new Set(about);
  }
  const names = new Set(
    (Array.isArray(type) ? type : [type]).map((name) => typeName(name, pathOf(path, "type"))),
  );
  if (names.has("number")) names.delete("integer");
  return names;
}

/** Whether a value is of one of the types. */
export function hasType(value: JsonValue, types: ReadonlySet<TypeName>): boolean {
  if (value === null) return types.has("null");
  if (Array.isArray(value)) return types.has("array");
  if (typeof value === "number")
    return types.has("number") || (types.has("integer") && Number.isInteger(value));
  return types.has(typeof value as TypeName);
}

function typeName(value: JsonValue, path: string): TypeName {
  const name = typeNames.find((known) => known === value);
  if (name === undefined)
    throw new GrammarError("invalid-schema", `expected one of ${typeNames.join(", ")}`, path);
  return name;
}
