import type { ItemsRule, MembersRule, Rule, TextRule } from "../rule.ts";
import { Stack } from "./stack.ts";

/** How rules unfold on stacks: down to those that read a byte next, and over bytes. */
export class Stacks {
  #count = 0;
  /** Where a text may end. */
  readonly empty: Stack = new Stack(this.#count++);
  readonly #newId = () => this.#count++;

  get size(): number {
    return this.#count;
  }

  push(rule: Rule, progress: number, next: Stack): Stack {
    return next.push(rule, progress, this.#newId);
  }

  /** The same stack among these ones, for one that came from others. */
  adopt(stack: Stack): Stack {
    const rules: Stack[] = [];
    for (let at = stack; at.next !== undefined; at = at.next) rules.push(at);
    return rules.reduceRight((next, { rule, progress }) => this.push(rule!, progress, next), this.empty);
  }

  /** Adds to `found` the stacks whose innermost rule reads a byte, and the empty one, that a stack comes down to. */
  unfold(stack: Stack, found: Set<Stack>, seen: Set<Stack>): void {
    const open = [stack];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const { rule, progress, next } = at;
      if (rule === undefined || next === undefined) {
        found.add(at);
        continue;
      }
      switch (rule.kind) {
        case "automaton": {
          const { firstEdge, accepts } = rule.automaton;
          if (firstEdge[progress]! < firstEdge[progress + 1]!) found.add(at);
          if (accepts[progress] === 1) open.push(next);
          break;
        }
        case "text": {
          const { isInside, count } = placeInText(rule, progress);
          if (isInside || count < rule.max) found.add(at);
          if (!isInside && count >= rule.min) open.push(next);
          break;
        }
        case "sequence": {
          const rest = progress + 1 < rule.parts.length ? this.push(rule, progress + 1, next) : next;
          open.push(this.push(rule.parts[progress]!, 0, rest));
          break;
        }
        case "choice":
          for (const one of rule.alternatives) if (one.ends) open.push(this.push(one, 0, next));
          break;
        case "reference":
          open.push(this.push(rule.target!, 0, next));
          break;
        case "members":
          this.#members(rule, progress, next, open);
          break;
        case "items":
          this.#items(rule, progress, next, open);
      }
    }
  }

  /** Calls back with each stack that a byte leads to, before it is unfolded. */
  move({ rule, progress, next }: Stack, byte: number, to: (stack: Stack) => void): void {
    if (rule === undefined || next === undefined) return;
    if (rule.kind === "automaton") {
      const { firstEdge, low, high, target } = rule.automaton;
      for (let e = firstEdge[progress]!; e < firstEdge[progress + 1]!; e++) {
        if (low[e]! <= byte && byte <= high[e]!) to(this.push(rule, target[e]!, next));
      }
      return;
    }
    if (rule.kind !== "text") return;
    const { firstEdge, low, high, target } = rule.characters;
    const { state, isInside, count } = placeInText(rule, progress);
    const begun = isInside ? count : nextCount(rule, count);
    for (let e = firstEdge[state]!; e < firstEdge[state + 1]!; e++) {
      if (low[e]! <= byte && byte <= high[e]!) to(this.push(rule, begun * states(rule) + target[e]!, next));
    }
  }

  #members(rule: MembersRule, progress: number, next: Stack, open: Stack[]): void {
    const { members, others, punctuation, max } = rule;
    const least = Math.max(rule.min, 1);
    // Of the members that are there, no more are told apart than the limits need.
    const counted = max === Number.POSITIVE_INFINITY ? least : Math.max(max, 1);
    const begin = Math.floor(progress / (counted + 1));
    const count = progress % (counted + 1);
    const add = (key: Rule, value: Rule, index: number): void => {
      const after = this.push(rule, index * (counted + 1) + Math.min(count + 1, counted), next);
      const member = this.push(key, 0, this.push(value, 0, after));
      open.push(count === 0 ? member : this.push(punctuation.comma, 0, member));
    };
    let required = 0;
    for (let i = begin; i < members.length; i++) if (members[i]!.required) required++;
    for (let i = begin; i <= members.length; i++) {
      const member = members[i];
      const isLast = member === undefined;
      const possible = others === undefined ? members.length - i : Number.POSITIVE_INFINITY;
      // Members may only be left out while the rest is enough for the least number.
      if (count + possible < rule.min) break;
      if (isLast) {
        if (count >= rule.min) open.push(this.push(punctuation.closeObject, 0, next));
        if (others !== undefined && count < max) add(others.key, others.value, i);
        break;
      }
      if (count + required + (member.required ? 0 : 1) <= max) add(member.key, member.value, i + 1);
      if (member.required) break;
    }
  }

  #items(rule: ItemsRule, count: number, next: Stack, open: Stack[]): void {
    const { first, rest, min, max, punctuation } = rule;
    if (count >= min) open.push(this.push(punctuation.closeArray, 0, next));
    const item = first[count] ?? rest;
    if (item === undefined || count >= max) return;
    const counted = max === Number.POSITIVE_INFINITY ? Math.max(min, first.length, 1) : max;
    const after = this.push(item, 0, this.push(rule, Math.min(count + 1, counted), next));
    open.push(count === 0 ? after : this.push(punctuation.comma, 0, after));
  }
}

function states({ characters }: TextRule): number {
  return characters.accepts.length;
}

function placeInText(rule: TextRule, progress: number) {
  const state = progress % states(rule);
  return { state, isInside: rule.characters.inside[state] === 1, count: Math.floor(progress / states(rule)) };
}

/** Characters beyond the least number are not counted where there is no largest. */
function nextCount({ min, max }: TextRule, count: number): number {
  if (max !== Number.POSITIVE_INFINITY) return count + 1;
  return min === Number.POSITIVE_INFINITY ? 0 : Math.min(count + 1, min);
}

/** A text rule without the limits that are near; tokens of up to `reach` bytes fare the same with it. */
export interface StandIn {
  readonly rule: TextRule;
  readonly progress: number;
  readonly reach: number;
}

export function standIn({ rule, progress }: Stack): StandIn | undefined {
  if (rule?.kind !== "text" || rule.unlimited === undefined || rule.endless === undefined) return undefined;
  const { state, count } = placeInText(rule, progress);
  // No token has more characters than bytes.
  if (count < rule.min) return { rule: rule.endless, progress: state, reach: rule.min - count - 1 };
  return { rule: rule.unlimited, progress: state, reach: rule.max - count };
}
