import type { Model } from "@kvasir/runtime";
import { EngineError, messageOf } from "./engine-error.ts";
import type { EngineEvent, PreemptionWay } from "./engine-event.ts";
import type { LoopCounts } from "./loop-counts.ts";
import type { Parking } from "./parking.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import type { Sequence } from "./sequence.ts";
import type { Sessions } from "./session/sessions.ts";

export type RunningOptions = {
  readonly model: Pick<Model, "queryWindow">;
  readonly cache: PrefixCache;
  readonly sessions: Sessions;
  readonly parking: Parking;
  readonly counts: LoopCounts;
  readonly onEvent: (event: EngineEvent) => void;
};

/** Sequences that have pages, and how they come by them and give them back. */
export class RunningSequences {
  readonly #options: RunningOptions;
  #all: readonly Sequence[] = [];

  constructor({ model, cache, sessions, parking, counts, onEvent }: RunningOptions) {
    this.#options = { model, cache, sessions, parking, counts, onEvent };
  }

  /** The most urgent first, then in order of arrival. */
  get all(): readonly Sequence[] {
    return this.#all;
  }

  /** Takes in a sequence that has its first pages. @param way how it comes by what it had before a preemption */
  begin(sequence: Sequence, way: PreemptionWay): void {
    const { id, promptLength: promptTokens, submitted, cache, logical: tokens } = sequence;
    this.#all = [...this.#all, sequence].sort((a, b) => a.priority - b.priority || a.arrival - b.arrival);
    if (sequence.admitted === undefined) {
      sequence.admitted = performance.now();
      const queued = sequence.admitted - submitted;
      this.#options.onEvent({ type: "admitted", id, queued, promptTokens, cachedTokens: cache!.matched });
    } else {
      this.#options.onEvent({ type: "resumed", id, way, tokens });
    }
    this.#keepQueries(sequence);
  }

  /** Takes a sequence's pages for others; it goes on later as if nothing had been. @param kvUsage share of pages in use */
  preempt(sequence: Sequence, kvUsage: number): void {
    const { cache, parking, counts, onEvent } = this.#options;
    const { id, logical: tokens } = sequence;
    sequence.preemptions += 1;
    const way = parking.park(sequence);
    if (way === "recompute") cache.store(sequence);
    this.#stop(sequence);
    if (way === "recompute") sequence.forget();
    counts.preempted(way);
    onEvent({ type: "preempted", id, way, tokens, kvUsage, preemptions: sequence.preemptions });
  }

  /** Ends a sequence: its pages go back, the reader gets the end or the error. */
  end(sequence: Sequence, error?: unknown): void {
    if (error === undefined && sequence.pages) this.#options.cache.store(sequence);
    this.#remember(sequence);
    this.#stop(sequence);
    if (error === undefined) sequence.queue.end();
    else sequence.queue.fail(error);
  }

  #keepQueries(sequence: Sequence): void {
    const { name, window, evicts } = sequence.policy;
    if (!evicts || window === 0) return;
    try {
      sequence.queries = this.#options.model.queryWindow(window);
    } catch (cause) {
      const what = `no memory for the ${window} newest queries that policy ${name} goes by`;
      const message = `${what}: ${messageOf(cause)}`;
      this.end(sequence, new EngineError("overloaded", message, "kvCache.policy", { cause }));
    }
  }

  #remember({ session, sharing, tokens, logical }: Sequence): void {
    if (session === undefined || logical === 0) return;
    this.#options.sessions.remember({ namespace: sharing.namespace, session }, tokens.view(0, logical));
  }

  #stop(sequence: Sequence): void {
    this.#all = this.#all.filter((other) => other !== sequence);
    sequence.pages?.dispose();
    sequence.pages = undefined;
    dropQueries(sequence);
  }
}

export function dropQueries(sequence: Sequence): void {
  sequence.queries?.dispose();
  sequence.queries = undefined;
}
