import type { Rule } from "../rule.ts";

/**
 * What one way to read a text still has to find: the innermost rule first, then what comes after it. Stacks are
 * shared, equal ones are the same object, and the empty one is where a text may end.
 */
export class Stack {
  /** Differs from that of every other stack of the same automaton. */
  readonly id: number;
  /** Undefined in the empty stack. */
  readonly rule: Rule | undefined;
  /** How far the rule has got: a state, parts, members or items that are done, or characters and a state. */
  readonly progress: number;
  readonly next: Stack | undefined;
  readonly #above = new Map<number, Stack>();

  constructor(id: number, rule?: Rule, progress = 0, next?: Stack) {
    this.id = id;
    this.rule = rule;
    this.progress = progress;
    this.next = next;
  }

  /** The stack with one rule more. */
  push(rule: Rule, progress: number, newId: () => number): Stack {
    // Both fit a double exactly: there are fewer than 2^15 rules, and progress stays below 2^36.
    const key = rule.id * 2 ** 36 + progress;
    const known = this.#above.get(key);
    if (known !== undefined) return known;
    const stack = new Stack(newId(), rule, progress, this);
    this.#above.set(key, stack);
    return stack;
  }
}
