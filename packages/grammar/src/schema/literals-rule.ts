import { oneOfTexts } from "../automaton/text-automatons.ts";
import { GrammarError } from "../grammar-error.ts";
import type { JsonObject, JsonValue } from "../json-format.ts";
import { limits } from "../limits.ts";
import type { Rule } from "../rule.ts";
import { pathOf } from "../schema-path.ts";
import { canonicalText } from "./canonical-text.ts";
import type { GrammarRules } from "./grammar-rules.ts";
import { arrayOf } from "./keyword-value.ts";
import { hasType, typesOf } from "./schema-types.ts";

/** `enum` and `const`: the values themselves, without spaces. Beside them only `type` may stand. */
export function literalsRule(rules: GrammarRules, schema: JsonObject, path: string): Rule {
  const { enum: _values, const: _value, type, ...others } = schema;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new GrammarError(
      "unsupported-schema",
      "beside enum or const it cannot be enforced",
      pathOf(path, other),
    );
  }
  const values = literals(schema, path);
  const types = type === undefined ? undefined : typesOf(schema, path);
  const kept = types === undefined ? values : values.filter((value) => hasType(value, types));
  const texts = kept.map((value) => JSON.stringify(value));
  return rules.automaton(oneOfTexts(rules.work, path, texts));
}

function literals(schema: JsonObject, path: string): readonly JsonValue[] {
  const values = arrayOf(schema, "enum", path, limits.enumValues);
  const { const: value } = schema;
  if (value === undefined) return values ?? [];
  if (values === undefined || values.some((one) => canonicalText(one) === canonicalText(value)))
    return [value];
  return [];
}
