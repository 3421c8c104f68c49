import { GrammarError } from "./grammar-error.ts";
import type { ItemsRule, MembersRule, Rule } from "./rule.ts";

/**
 * Finds out which rules some finite text satisfies, and takes the others out wherever they are optional. Throws
 * `GrammarError` where the root is none of them.
 */
export function settleRules(root: Rule, rules: readonly Rule[], check: () => void): void {
  for (let changed = true; changed; ) {
    changed = false;
    // Parts mostly come after what they are parts of.
    for (let i = rules.length - 1; i >= 0; i--) {
      check();
      const rule = rules[i]!;
      if (rule.ends || !endsNow(rule)) continue;
      rule.ends = true;
      changed = true;
    }
  }
  for (const rule of rules) {
    if (rule.kind === "members") {
      rule.members = rule.members.filter(({ value }) => value.ends);
      if (rule.others !== undefined && !rule.others.value.ends) rule.others = undefined;
    } else if (rule.kind === "items") rule.max = most(rule);
  }
  if (!root.ends) throw new GrammarError("invalid-schema", "no finite value satisfies it", "schema");
}

function endsNow(rule: Rule): boolean {
  switch (rule.kind) {
    case "automaton":
      return true;
    case "text":
      return rule.min <= rule.max;
    case "sequence":
      return rule.parts.every(({ ends }) => ends);
    case "choice":
      return rule.alternatives.some(({ ends }) => ends);
    case "reference":
      return rule.target?.ends === true;
    case "members":
      return membersEnd(rule);
    case "items":
      return rule.min <= most(rule);
  }
}

function membersEnd({ members, others, min, max }: MembersRule): boolean {
  if (members.some(({ value, required }) => required && !value.ends)) return false;
  const required = members.filter((member) => member.required).length;
  const possible = members.filter(({ value }) => value.ends).length;
  const most = others?.value.ends ? Number.POSITIVE_INFINITY : possible;
  return required <= max && min <= Math.min(most, max);
}

/** How many items there can be. */
function most({ first, rest, max }: ItemsRule): number {
  const endless = first.findIndex(({ ends }) => !ends);
  const possible = endless !== -1 ? endless : rest?.ends ? Number.POSITIVE_INFINITY : first.length;
  return Math.min(possible, max);
}
