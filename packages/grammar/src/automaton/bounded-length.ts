import { AutomatonBuilder } from "./automaton-builder.ts";
import type { ByteAutomaton } from "./byte-automaton.ts";
import type { WorkLimit } from "./work-limit.ts";

/** Those of the automaton's texts that have from min to max characters; undefined where there are none. */
export function boundedLength(
  work: WorkLimit,
  path: string,
  automaton: ByteAutomaton,
  { min, max }: { readonly min: number; readonly max: number },
): ByteAutomaton | undefined {
  const builder = new AutomatonBuilder(work, path);
  const states = new Map<string, number>();
  const open: { readonly state: number; readonly count: number; readonly to: number }[] = [];
  const enter = (state: number, count: number): number => {
    const counted = max === Number.POSITIVE_INFINITY ? Math.min(count, min) : count;
    const key = `${state} ${counted}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    const to = builder.state();
    states.set(key, to);
    open.push({ state, count: counted, to });
    return to;
  };
  const start = enter(0, 0);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { state, count, to } = at;
    if (automaton.accepts[state] === 1 && count >= min) builder.accept(to);
    const next = automaton.inside[state] === 1 ? count : count + 1;
    if (next > max) continue;
    for (let e = automaton.firstEdge[state]!; e < automaton.firstEdge[state + 1]!; e++) {
      builder.bytes(to, automaton.low[e]!, automaton.high[e]!, enter(automaton.target[e]!, next));
    }
  }
  return builder.finish(start);
}
