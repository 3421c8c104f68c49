import { isJsonObject, type JsonObject, type JsonValue } from "../json-format.ts";
import { canonicalText } from "./canonical-text.ts";
import type { TypeName } from "./keywords.ts";
import { hasType, typesOf } from "./schema-types.ts";

/** The schema itself, without `$ref` and `allOf` at its top. */
type Flatten = (schema: JsonValue, path: string) => JsonObject | boolean;

const DEPTH = 3;

/**
 * Whether it is plain that no value satisfies both: other types, other literals, or a property that both require
 * and for which the same is plain.
 */
export function areDisjoint(a: JsonValue, b: JsonValue, path: string, flatten: Flatten, depth = 0): boolean {
  const [first, second] = [flatten(a, path), flatten(b, path)];
  if (first === false || second === false) return true;
  if (first === true || second === true) return false;
  const [literals, others] = [literalsOf(first), literalsOf(second)];
  if (literals !== undefined && others !== undefined) {
    const known = new Set(literals.map(canonicalText));
    return !others.some((value) => known.has(canonicalText(value)));
  }
  const [types, otherTypes] = [namedTypes(first, path), namedTypes(second, path)];
  if (literals !== undefined && otherTypes !== undefined)
    return !literals.some((one) => hasType(one, otherTypes));
  if (others !== undefined && types !== undefined) return !others.some((one) => hasType(one, types));
  if (types === undefined || otherTypes === undefined) return false;
  if (![...types].some((name) => overlaps(name, otherTypes))) return true;
  if (depth >= DEPTH || ![types, otherTypes].every((set) => set.size === 1 && set.has("object")))
    return false;
  return requiredByBoth(first, second).some((name) => {
    const [own, other] = [propertyOf(first, name), propertyOf(second, name)];
    return own !== undefined && other !== undefined && areDisjoint(own, other, path, flatten, depth + 1);
  });
}

function literalsOf({ enum: values, const: value }: JsonObject): readonly JsonValue[] | undefined {
  if (value !== undefined) return [value];
  return Array.isArray(values) ? values : undefined;
}

/** Only types that are named: others are a choice of this package, and the schema allows more. */
function namedTypes(schema: JsonObject, path: string): ReadonlySet<TypeName> | undefined {
  return schema.type === undefined ? undefined : typesOf(schema, path);
}

function overlaps(name: TypeName, types: ReadonlySet<TypeName>): boolean {
  if (types.has(name)) return true;
  return (name === "integer" && types.has("number")) || (name === "number" && types.has("integer"));
}

function requiredByBoth(a: JsonObject, b: JsonObject): string[] {
  const names = ({ required }: JsonObject) => (Array.isArray(required) ? required : []);
  const other = new Set(names(b));
  return names(a).filter((name): name is string => typeof name === "string" && other.has(name));
}

function propertyOf({ properties }: JsonObject, name: string): JsonValue | undefined {
  return isJsonObject(properties) ? properties[name] : undefined;
}
