import { PolicyError, SIGNALS, type Signal } from "@kvasir/kv-policies";
import type { Compaction } from "@kvasir/runtime";
import { dueHeads, headState } from "./due-heads.ts";
import { EngineError } from "./engine-error.ts";
import { EventLoopTurns } from "./event-loop-turns.ts";
import { readSignals, type SignalSource, signalLoad } from "./head-signals.ts";
import type { PageClaims } from "./page-claims.ts";
import type { Sequence } from "./sequence.ts";
import { type Choice, compactionsOf } from "./sequence-compaction.ts";
import { slicesOf } from "./slices.ts";

/** The signals that a policy may name. */
export const availableSignals: readonly Signal[] = SIGNALS;

/** What was taken from one sequence: slots over all heads, and the pages that they took. */
export type Eviction = { readonly slots: number; readonly pages: number };

export type EvictionOptions = {
  readonly source: SignalSource;
  /** Where pages come from that are written instead of shared ones. */
  readonly claims: Pick<PageClaims, "forEviction">;
  /** Takes a sequence that cannot go on; the others do. */
  readonly fail: (sequence: Sequence, error: EngineError) => void;
  /** Runs the part that holds signals: those who evict side by side need not all have theirs in memory. */
  readonly slice?: <T>(work: () => Promise<T>) => Promise<T>;
  /**
   * The step that the sequences are in: signals are asked for at once, so that the device reads them right behind it,
   * and slots are chosen when it is over. Where it fails, nothing is evicted.
   */
  readonly step?: Promise<unknown>;
  /** Runs what changes page tables when nothing else does; default: at once. */
  readonly turn?: <T>(work: () => T) => Promise<T>;
  /** Takes what is left to wait for once slots are being moved: the device does that before any later step. */
  readonly behind?: (moved: Promise<void>) => void;
};

/**
 * Asks the policies of sequences that are over their budget which slots to keep, moves those together and gives
 * the freed pages back. Signals are read a slice at a time and the event loop turns in between; all heads of all
 * sequences are compacted in one call. What ends meanwhile is left alone. Never rejects, nor does what `behind` takes.
 *
 * @returns what was evicted from whom
 */
export async function evict(
  sequences: readonly Sequence[],
  options: EvictionOptions,
): Promise<ReadonlyMap<Sequence, Eviction>> {
  const work = new Map<Sequence, Choice[]>();
  const failed = (sequence: Sequence, error: unknown) => {
    work.delete(sequence);
    if (sequence.pages) options.fail(sequence, evictionError(error));
  };
  const turns = new EventLoopTurns();
  for (const sequence of sequences) {
    await turns.pause();
    try {
      if (sequence.policy.allocates && !sequence.allocation) await allocate(sequence, options.source);
      const due = dueHeads(sequence);
      if (due.length > 0)
        work.set(
          sequence,
          due.map((place) => ({ place })),
        );
    } catch (error) {
      failed(sequence, error);
    }
  }
  const isThere = ({ place: { sequence } }: Choice) => sequence.pages !== undefined && work.has(sequence);
  const { slice: run = (work) => work() } = options;
  const load = (choice: Choice) => (isThere(choice) ? signalLoad(choice.place, options.source.model) : 0);
  const step = settled(options.step);
  for (const slice of slicesOf([...work.values()].flat(), load)) {
    try {
      await run(() => choose(slice.filter(isThere), options.source, step, isThere, failed));
    } catch (error) {
      if (await step) for (const { place } of slice) failed(place.sequence, error);
    }
  }
  if (!(await step)) return new Map();
  const { turn = async (work) => work() } = options;
  const { evictions, moved } = await turn(() => cut(work, options, failed));
  const told = moved.catch((error) => {
    for (const sequence of evictions.keys()) failed(sequence, error);
  });
  if (options.behind) options.behind(told);
  else await told;
  return evictions;
}

/** Cuts the heads down, all at once, and begins to move their slots. */
function cut(
  work: ReadonlyMap<Sequence, Choice[]>,
  { source: { memory }, claims }: EvictionOptions,
  failed: (sequence: Sequence, error: unknown) => void,
): { readonly evictions: Map<Sequence, Eviction>; readonly moved: Promise<void> } {
  const evictions = new Map<Sequence, Eviction>();
  const compactions: Compaction[] = [];
  claims.forEviction(work);
  for (const [sequence, choices] of [...work]) {
    if (!sequence.pages) continue;
    const before = { slots: sequence.residentSlots, pages: sequence.pages.pageCount };
    try {
      compactions.push(...compactionsOf(sequence, choices));
      const slots = before.slots - sequence.residentSlots;
      evictions.set(sequence, { slots, pages: before.pages - sequence.pages.pageCount });
    } catch (error) {
      failed(sequence, error);
    }
  }
  const moved = compactions.length > 0 ? memory.compact(compactions) : Promise.resolve();
  for (const sequence of evictions.keys()) sequence.pages!.commit();
  return { evictions, moved };
}

/** Whether it ended well; never rejects. */
const settled = (step: Promise<unknown> = Promise.resolve()): Promise<boolean> =>
  step.then(
    () => true,
    () => false,
  );

/** Has the policy divide its budget and profile the heads, from signals that are read as it asks for them. */
async function allocate(sequence: Sequence, source: SignalSource): Promise<void> {
  const pages = () => {
    if (!sequence.pages) throw new Error("the request has ended");
    return sequence.pages;
  };
  sequence.allocation = await sequence.policy.allocate({
    seen: sequence.logical,
    resident: (layer, head) => pages().resident(layer, head),
    signals: async (layer, head) => {
      pages();
      const [signals] = await readSignals([{ sequence, layer, head, phase: "prefill" }], source);
      return signals!;
    },
  });
}

async function choose(
  choices: readonly Choice[],
  source: SignalSource,
  step: Promise<boolean>,
  isThere: (choice: Choice) => boolean,
  failed: (sequence: Sequence, error: unknown) => void,
): Promise<void> {
  if (choices.length === 0) return;
  const places = choices.map(({ place }) => place);
  const [signals, isOver] = await Promise.all([readSignals(places, source), step]);
  if (!isOver) return;
  const turns = new EventLoopTurns();
  for (const [i, choice] of choices.entries()) {
    await turns.pause();
    if (!isThere(choice)) continue;
    const { sequence, layer, head, phase } = choice.place;
    try {
      const resident = sequence.pages!.resident(layer, head);
      const state = headState(sequence, layer, head);
      choice.kept = sequence.policy.select({ ...state, head, phase, resident, signals: signals[i]! });
    } catch (error) {
      failed(sequence, error);
    }
  }
}

function evictionError(error: unknown): EngineError {
  const cause = { cause: error };
  if (error instanceof PolicyError)
    return new EngineError("policy-failed", error.message, "kvCache.policy", cause);
  const message = error instanceof Error ? error.message : String(error);
  return new EngineError("internal", `eviction failed: ${message}`, undefined, cause);
}
