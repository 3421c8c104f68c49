import { boundedLength } from "../automaton/bounded-length.ts";
import { type Bound, numberAutomaton } from "../automaton/number-automaton.ts";
import { patternAutomaton } from "../automaton/pattern-automaton.ts";
import { GrammarError } from "../grammar-error.ts";
import type { JsonObject } from "../json-format.ts";
import { limits } from "../limits.ts";
import type { Rule } from "../rule.ts";
import { pathOf } from "../schema-path.ts";
import type { GrammarRules } from "./grammar-rules.ts";
import { countOf, numberOf, stringOf } from "./keyword-value.ts";
import { stringFormats } from "./string-formats.ts";

export function stringRule(rules: GrammarRules, schema: JsonObject, path: string): Rule {
  const min = countOf(schema, "minLength", path, 0);
  const max = countOf(schema, "maxLength", path, Number.POSITIVE_INFINITY);
  const found = patternOf(schema, path);
  if (found === undefined) return rules.string(min, max);
  const automaton = patternAutomaton(rules.work, found.path, found.pattern);
  if (automaton === undefined) return rules.choice([]);
  const isBounded = min > 0 || max !== Number.POSITIVE_INFINITY;
  const bounded = isBounded ? boundedLength(rules.work, path, automaton, { min, max }) : automaton;
  return rules.quoted(rules.automaton(bounded));
}

export function numberRule(rules: GrammarRules, schema: JsonObject, path: string, integer: boolean): Rule {
  const min = tighter(schema, ["minimum", "exclusiveMinimum"], path, Math.max);
  const max = tighter(schema, ["maximum", "exclusiveMaximum"], path, Math.min);
  const multipleOf = numberOf(schema, "multipleOf", path);
  if (min === undefined && max === undefined && multipleOf === undefined) {
    return rules.automaton(integer ? rules.common.integer : rules.common.number);
  }
  const bounds = {
    integer,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(multipleOf !== undefined && { multipleOf: checkedMultiple(multipleOf, pathOf(path, "multipleOf")) }),
  };
  return rules.automaton(numberAutomaton(rules.work, path, bounds));
}

function patternOf(schema: JsonObject, path: string): { pattern: string; path: string } | undefined {
  const pattern = stringOf(schema, "pattern", path);
  const format = stringOf(schema, "format", path);
  if (format === undefined)
    return pattern === undefined ? undefined : { pattern, path: pathOf(path, "pattern") };
  const enforced = stringFormats.get(format);
  if (enforced === undefined || pattern !== undefined) {
    const known = [...stringFormats.keys()].join(", ");
    const reason =
      enforced === undefined ? `expected one of ${known}` : "beside pattern it cannot be enforced";
    throw new GrammarError("unsupported-schema", reason, pathOf(path, "format"));
  }
  return { pattern: enforced, path: pathOf(path, "format") };
}

function tighter(
  schema: JsonObject,
  [inclusive, exclusive]: readonly [string, string],
  path: string,
  choose: (a: number, b: number) => number,
): Bound | undefined {
  const own = numberOf(schema, inclusive, path);
  const open = numberOf(schema, exclusive, path);
  if (own === undefined) return open === undefined ? undefined : { value: open, exclusive: true };
  if (open === undefined) return { value: own, exclusive: false };
  return { value: choose(own, open), exclusive: choose(own, open) === open };
}

function checkedMultiple(value: number, path: string): number {
  if (value <= 0) throw new GrammarError("invalid-schema", "expected more than 0", path);
  if (Number.isInteger(value) && value <= limits.multipleOf) return value;
  throw new GrammarError("unsupported-schema", `expected an integer up to ${limits.multipleOf}`, path);
}
