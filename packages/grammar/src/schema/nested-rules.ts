import { GrammarError } from "../grammar-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json-format.ts";
import { limits } from "../limits.ts";
import type { Member, Rule } from "../rule.ts";
import { pathOf } from "../schema-path.ts";
import type { GrammarRules } from "./grammar-rules.ts";
import { arrayOf, countOf, objectOf, stringsOf } from "./keyword-value.ts";

/** Reads the schemas inside of another. */
interface Reader {
  readonly rules: GrammarRules;
  rule(schema: JsonValue, path: string): Rule;
}

/**
 * Properties come in the order of the schema. Others come after them, if `additionalProperties` says so; where it is
 * absent there are none, unless the schema names no property at all.
 */
export function objectRule(reader: Reader, schema: JsonObject, path: string): Rule {
  const { rules } = reader;
  const properties = objectOf(schema, "properties", path);
  const required = new Set(stringsOf(schema, "required", path));
  const min = countOf(schema, "minProperties", path, 0);
  const max = countOf(schema, "maxProperties", path, Number.POSITIVE_INFINITY);
  const { additionalProperties } = schema;
  const further = additionalProperties ?? true;
  const furtherPath = pathOf(path, "additionalProperties");
  const names = [...new Set([...Object.keys(properties), ...required])];
  const members = names.map((name): Member => {
    const own = properties[name];
    const value =
      own === undefined
        ? reader.rule(further, furtherPath)
        : reader.rule(own, pathOf(pathOf(path, "properties"), name));
    return { key: rules.key(name), value, required: required.has(name) };
  });
  const isOpen = additionalProperties === undefined ? names.length === 0 : additionalProperties !== false;
  if (!isOpen) return rules.object(members, undefined, min, max);
  // A key that comes twice counts once, so only the first of the others is sure to add to the count.
  if (min > required.size + 1) {
    const reason =
      "more than one above the required properties cannot be enforced beside additionalProperties";
    throw new GrammarError("unsupported-schema", reason, pathOf(path, "minProperties"));
  }
  const value = reader.rule(further, furtherPath);
  return rules.object(members, { key: rules.otherKey(path, names), value }, min, max);
}

/** Items beyond `prefixItems` are there only if `items` says so. */
export function arrayRule(reader: Reader, schema: JsonObject, path: string): Rule {
  const min = countOf(schema, "minItems", path, 0);
  const max = countOf(schema, "maxItems", path, Number.POSITIVE_INFINITY);
  const { items, uniqueItems } = schema;
  if (uniqueItems !== undefined && uniqueItems !== false && max > 1) {
    throw new GrammarError(
      "unsupported-schema",
      "this keyword cannot be enforced",
      pathOf(path, "uniqueItems"),
    );
  }
  const prefix = arrayOf(schema, "prefixItems", path, limits.alternatives) ?? [];
  const first = prefix.map((item, index) => reader.rule(item, pathOf(pathOf(path, "prefixItems"), index)));
  if (items !== undefined && typeof items !== "boolean" && !isJsonObject(items)) {
    throw new GrammarError(
      "invalid-schema",
      "expected a schema (use prefixItems for a list)",
      pathOf(path, "items"),
    );
  }
  const further = items ?? prefix.length === 0;
  const rest = further === false ? undefined : reader.rule(further, pathOf(path, "items"));
  return reader.rules.array(first, rest, min, max);
}
