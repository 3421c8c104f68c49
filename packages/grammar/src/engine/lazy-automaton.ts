import { limits } from "../limits.ts";
import type { Rule } from "../rule.ts";
import type { Stack } from "./stack.ts";
import { Stacks, standIn } from "./stacks.ts";

/** The state in which nothing can follow and no text may end. */
export const DEAD = 0;

const UNKNOWN = -1;

/**
 * The deterministic automaton of a grammar over bytes, made as far as texts go. A state is a set of stacks: the ways
 * to read what was read. There are no dead ends: from every state but DEAD some text leads to an end. Where a text
 * can be read in more than `limits.threads` ways, the others are not allowed to go on, so texts stay valid.
 */
export class LazyAutomaton {
  readonly #root: Rule;
  #stacks = new Stacks();
  #members: (readonly Stack[])[] = [];
  #states = new Map<string, number>();
  #targets = new Int32Array(0);
  #start: number | undefined;
  /** Counts up when all states are forgotten; states of another epoch mean nothing. */
  epoch = 0;
  /** Moves of stacks over bytes so far. */
  moves = 0;

  constructor(root: Rule) {
    this.#root = root;
    this.#clear();
  }

  /** States that there are, DEAD among them. */
  get size(): number {
    return this.#members.length;
  }

  /** The state of the empty text. */
  get start(): number {
    this.#start ??= this.#unfolded([this.#stacks.push(this.#root, 0, this.#stacks.empty)]);
    return this.#start;
  }

  /** The state after one more byte. */
  after(state: number, byte: number): number {
    const known = this.#targets[state * 256 + byte]!;
    return known === UNKNOWN ? this.#move(state, byte) : known;
  }

  /** Whether a text may end. */
  mayEnd(state: number): boolean {
    return this.#members[state]!.includes(this.#stacks.empty);
  }

  /** Whether a text must end: nothing may follow. */
  mustEnd(state: number): boolean {
    return this.#members[state]!.every((stack) => stack === this.#stacks.empty);
  }

  /** The stacks of a state, with which `adopt` finds it again in another epoch. */
  stacksOf(state: number): readonly Stack[] {
    return this.#members[state]!;
  }

  adopt(stacks: readonly Stack[]): number {
    return this.#enter(stacks.map((stack) => this.#stacks.adopt(stack)));
  }

  /**
   * A state after which tokens of up to `reach` bytes, at least one, fare the same as after the given one. It stands
   * for many, since it does not count characters.
   */
  alike(state: number): { readonly state: number; readonly reach: number } | undefined {
    const members = this.#members[state]!;
    let reach = Number.POSITIVE_INFINITY;
    const stacks = members.map((stack) => {
      const instead = standIn(stack);
      if (instead === undefined) return stack;
      reach = Math.min(reach, instead.reach);
      return this.#stacks.push(instead.rule, instead.progress, stack.next!);
    });
    if (reach < 1 || stacks.every((stack, i) => stack === members[i])) return undefined;
    return { state: this.#enter(stacks), reach };
  }

  /** Forgets all states, where there are many; to be called between two masks. */
  trim(): void {
    if (this.size >= limits.states || this.#stacks.size >= limits.stacks) this.forget();
  }

  forget(): void {
    this.epoch++;
    this.#clear();
  }

  #clear(): void {
    this.#stacks = new Stacks();
    this.#members = [];
    this.#states = new Map();
    this.#targets = new Int32Array(64 * 256);
    this.#start = undefined;
    this.#enter([]);
  }

  #move(state: number, byte: number): number {
    const reached: Stack[] = [];
    for (const stack of this.#members[state]!) {
      this.moves++;
      this.#stacks.move(stack, byte, (next) => reached.push(next));
    }
    const target = this.#unfolded(reached);
    this.#targets[state * 256 + byte] = target;
    return target;
  }

  #unfolded(stacks: readonly Stack[]): number {
    const found = new Set<Stack>();
    const seen = new Set<Stack>();
    for (const stack of stacks) {
      this.#stacks.unfold(stack, found, seen);
      if (found.size >= limits.threads) break;
    }
    this.moves += seen.size;
    return this.#enter(found.size <= limits.threads ? [...found] : [...found].slice(0, limits.threads));
  }

  #enter(stacks: readonly Stack[]): number {
    const members = [...new Set(stacks)].sort((a, b) => a.id - b.id);
    const key = members.map(({ id }) => id).join();
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = this.#members.push(members) - 1;
    this.#states.set(key, state);
    if (this.#targets.length < this.size * 256) {
      const larger = new Int32Array(this.#targets.length * 2);
      larger.set(this.#targets);
      this.#targets = larger;
    }
    this.#targets.fill(UNKNOWN, state * 256, this.size * 256);
    return state;
  }
}
