import { GrammarError } from "../grammar-error.ts";
import { limits } from "../limits.ts";
import type { ByteAutomaton } from "./byte-automaton.ts";
import type { CodePoints } from "./code-points.ts";
import { utf8Ranges } from "./utf8-ranges.ts";
import type { WorkLimit } from "./work-limit.ts";

interface Edge {
  readonly low: number;
  readonly high: number;
  readonly target: number;
}

/** Makes a ByteAutomaton from states, edges over bytes or characters, and empty transitions. */
export class AutomatonBuilder {
  readonly #work: WorkLimit;
  readonly #path: string;
  readonly #edges: Edge[][] = [];
  readonly #empty: number[][] = [];
  readonly #accepting = new Set<number>();
  readonly #inside = new Set<number>();
  /** States between the bytes of characters, by what follows from them. */
  readonly #tails = new Map<string, number>();

  /** @param path The field that an error names. */
  constructor(work: WorkLimit, path: string) {
    this.#work = work;
    this.#path = path;
  }

  state(): number {
    this.#work.state(this.#path);
    if (this.#edges.length >= limits.automatonStates) throw this.#tooLarge();
    this.#empty.push([]);
    return this.#edges.push([]) - 1;
  }

  /** A state between two bytes of a character. */
  inside(): number {
    const state = this.state();
    this.#inside.add(state);
    return state;
  }

  bytes(from: number, low: number, high: number, target: number): void {
    this.#edges[from]!.push({ low, high, target });
  }

  /** One character of the set, as UTF-8. */
  characters(from: number, set: CodePoints, target: number): void {
    for (const [first, last] of set) {
      for (const sequence of utf8Ranges(first, last)) this.sequence(from, sequence, target);
    }
  }

  /** The bytes of one character, each from its range. */
  sequence(from: number, ranges: readonly (readonly [number, number])[], target: number): void {
    let next = target;
    for (let i = ranges.length - 1; i > 0; i--) next = this.#tail(ranges[i]!, next);
    const [low, high] = ranges[0]!;
    this.bytes(from, low, high, next);
  }

  empty(from: number, target: number): void {
    this.#empty[from]!.push(target);
  }

  accept(state: number): void {
    this.#accepting.add(state);
  }

  /** The automaton that starts in the given state; undefined where it accepts no text at all. */
  finish(start: number): ByteAutomaton | undefined {
    const edges = new Map<number, readonly Edge[]>();
    const accepts = new Set<number>();
    let count = 0;
    const open = [start];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (edges.has(state)) continue;
      const closure = this.#closure(state);
      const reached = closure.flatMap((one) => this.#edges[one]!);
      count += reached.length + closure.length;
      if (count > limits.automatonEdges) throw this.#tooLarge();
      this.#work.check();
      edges.set(state, reached);
      if (closure.some((one) => this.#accepting.has(one))) accepts.add(state);
      for (const edge of reached) open.push(edge.target);
    }
    return packed(start, edges, accepts, this.#inside);
  }

  #closure(start: number): number[] {
    const closure = [start];
    const seen = new Set(closure);
    for (let i = 0; i < closure.length; i++) {
      for (const next of this.#empty[closure[i]!]!) {
        if (!seen.has(next)) closure.push(next);
        seen.add(next);
      }
    }
    return closure;
  }

  #tail([low, high]: readonly [number, number], target: number): number {
    const key = `${low} ${high} ${target}`;
    const known = this.#tails.get(key);
    if (known !== undefined) return known;
    const state = this.inside();
    this.bytes(state, low, high, target);
    this.#tails.set(key, state);
    return state;
  }

  #tooLarge(): GrammarError {
    const expected = `expected at most ${limits.automatonStates} states and ${limits.automatonEdges} edges`;
    return new GrammarError("too-large", `its automaton is too large: ${expected}`, this.#path);
  }
}

/** Leaves out the states from which nothing is ever accepted, and numbers the others from the start on. */
function packed(
  start: number,
  edges: ReadonlyMap<number, readonly Edge[]>,
  accepts: ReadonlySet<number>,
  inside: ReadonlySet<number>,
): ByteAutomaton | undefined {
  const useful = leadingTo(accepts, edges);
  if (!useful.has(start)) return undefined;
  const numbers = new Map([[start, 0]]);
  for (const state of useful) if (state !== start) numbers.set(state, numbers.size);
  const kept = [...numbers.keys()].map((state) =>
    unique(edges.get(state)!.filter((e) => useful.has(e.target))),
  );
  const all = kept.flat();
  const firstEdge = new Int32Array(kept.length + 1);
  kept.forEach((list, state) => {
    firstEdge[state + 1] = firstEdge[state]! + list.length;
  });
  return {
    firstEdge,
    low: Uint8Array.from(all, ({ low }) => low),
    high: Uint8Array.from(all, ({ high }) => high),
    target: Int32Array.from(all, ({ target }) => numbers.get(target)!),
    accepts: Uint8Array.from(numbers.keys(), (state) => Number(accepts.has(state))),
    inside: Uint8Array.from(numbers.keys(), (state) => Number(inside.has(state))),
  };
}

function leadingTo(goal: ReadonlySet<number>, edges: ReadonlyMap<number, readonly Edge[]>): Set<number> {
  const before = new Map<number, number[]>();
  for (const [state, list] of edges) {
    for (const { target } of list) {
      const sources = before.get(target);
      if (sources === undefined) before.set(target, [state]);
      else sources.push(state);
    }
  }
  const reached = new Set(goal);
  // A set's iteration goes on to what is added on the way.
  for (const state of reached) for (const source of before.get(state) ?? []) reached.add(source);
  return reached;
}

function unique(edges: readonly Edge[]): Edge[] {
  const byKey = new Map(edges.map((edge) => [`${edge.low} ${edge.high} ${edge.target}`, edge]));
  return [...byKey.values()];
}
