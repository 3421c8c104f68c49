import type { CommonAutomatons } from "./automaton/common-automatons.ts";
import { WorkLimit } from "./automaton/work-limit.ts";
import type { FormatText } from "./checked-format.ts";
import { isJsonObject, type JsonValue } from "./json-format.ts";
import type { Rule } from "./rule.ts";
import { GrammarRules } from "./schema/grammar-rules.ts";
import { SchemaReader } from "./schema/schema-reader.ts";
import { settleRules } from "./settle-rules.ts";

/** The rule that a whole text must satisfy. Throws `GrammarError`. */
export function compiledGrammar(format: FormatText, common: CommonAutomatons, milliseconds: number): Rule {
  const work = new WorkLimit(milliseconds);
  const rules = new GrammarRules(work, common);
  const root =
    format.type === "json-object"
      ? rules.anyObject()
      : new SchemaReader(withoutPrototypes(JSON.parse(format.text)), rules).read();
  settleRules(root, rules.all, () => work.check());
  return root;
}

/** No name, such as `constructor`, is found in an object unless the schema has it. */
function withoutPrototypes(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  if (!isJsonObject(value)) return value;
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const key of Object.keys(value)) copy[key] = withoutPrototypes(value[key]!);
  return copy;
}
