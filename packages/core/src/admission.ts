import { type PagePool, SequencePages } from "@kvasir/paged-memory";
import type { Model, PageMemory } from "@kvasir/runtime";
import { EngineError, internalError, messageOf } from "./engine-error.ts";
import type { PreemptionWay } from "./engine-event.ts";
import type { PageSupply } from "./page-supply.ts";
import type { Parked } from "./parked.ts";
import type { Parking } from "./parking.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import { queriesFit } from "./query-memory.ts";
import type { Sequence } from "./sequence.ts";
import { WaitingLine } from "./waiting-line.ts";

export type AdmissionLimits = {
  readonly maxRunning: number;
  readonly maxWaiting: number;
  /** Prompt tokens of all requests that wait. */
  readonly maxWaitingTokens: number;
};

export type AdmissionResources = {
  readonly model: Model;
  readonly memory: PageMemory;
  readonly pool: PagePool;
  readonly cache: PrefixCache;
  readonly supply: PageSupply;
  readonly parking: Parking;
  /** Told of a running sequence whose pages could not be written back. */
  readonly failed: (sequence: Sequence, error: EngineError) => void;
};

/** Of those whose prefix is being computed, so many are looked at; the others' turn comes. */
const mostPassed = 64;

/** Requests that wait for their turn, and the pages with which they begin. */
export class Admission {
  readonly #resources: AdmissionResources;
  readonly #limits: AdmissionLimits;
  readonly #line = new WaitingLine<Sequence>();
  #tokens = 0;
  #arrivals = 0;
  /** Somebody waits for contents of its pages that are on their way. */
  isFetching = false;

  constructor(resources: AdmissionResources, limits: AdmissionLimits) {
    this.#resources = resources;
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Prompt tokens of those who wait. */
  get waitingTokens(): number {
    return this.#tokens;
  }

  /** Takes a new request in line. Throws `out-of-pages` where it could never run. */
  add(sequence: Sequence): void {
    this.#resources.supply.requirePossible(sequence);
    this.#arrivals += 1;
    sequence.arrival = this.#arrivals;
    sequence.submitted = performance.now();
    this.putBack(sequence);
  }

  /** One that was preempted takes its old place in line. */
  putBack(sequence: Sequence): void {
    this.#line.add(sequence);
    this.#tokens += sequence.promptLength;
  }

  /** Sends a new request away again where more wait than may. Throws `overloaded`. */
  requireRoom(sequence: Sequence): void {
    const { maxWaiting, maxWaitingTokens } = this.#limits;
    const isTooMany = this.waiting > maxWaiting;
    if (!isTooMany && (this.#tokens <= maxWaitingTokens || this.waiting === 1)) return;
    if (this.remove((one) => one === sequence).length === 0) return;
    const what = isTooMany ? `${this.waiting} requests` : `requests with ${this.#tokens} prompt tokens`;
    throw new EngineError("overloaded", `${what} wait already, the most that may`);
  }

  remove(isChosen: (one: Sequence) => boolean): Sequence[] {
    const removed = this.#line.remove(isChosen);
    for (const { promptLength } of removed) this.#tokens -= promptLength;
    return removed;
  }

  /** Takes those out whose readers have left. */
  dropLeft(): void {
    for (const sequence of this.remove((one) => one.left)) sequence.forget();
  }

  /**
   * Begins those whose turn it is, with their first pages. Whoever finds no room holds up all behind it, so that a large
   * request is not passed by small ones for ever; but one whose prefix another is computing right now lets others pass,
   * and so does one whose pages are still being copied away.
   *
   * @param running asked again and again: those that were begun are to be among them
   */
  admit(running: () => readonly Sequence[], begin: (sequence: Sequence, way: PreemptionWay) => void): void {
    this.isFetching = false;
    const begun = new Set<Sequence>();
    let passed = 0;
    for (const sequence of this.#line.inOrder(performance.now())) {
      const others = running();
      if (others.length >= this.#limits.maxRunning || passed >= mostPassed) break;
      if (!queriesFit(sequence, others, this.#resources)) break;
      if (sequence.parked?.isLost) sequence.forget();
      const way = sequence.parked?.way ?? "recompute";
      const offer = this.#offer(sequence, others);
      if (offer === "waits") break;
      if (offer === "lets pass") {
        passed += 1;
        continue;
      }
      begun.add(sequence);
      if (offer === "begins") begin(sequence, way);
    }
    this.remove((one) => begun.has(one));
  }

  /** Gives a sequence pages to begin with. */
  #offer(sequence: Sequence, running: readonly Sequence[]): "begins" | "waits" | "lets pass" | "fails" {
    const pages = this.#newPages();
    try {
      sequence.pages = pages;
      const { parked } = sequence;
      const offer = parked ? this.#offerParked(sequence, parked, running) : this.#offerNew(sequence, running);
      if (offer !== "begins") this.#takeBack(sequence);
      return offer;
    } catch (cause) {
      this.#takeBack(sequence);
      sequence.queue.fail(internalError(`the cache failed: ${messageOf(cause)}`, cause));
      return "fails";
    }
  }

  #takeBack(sequence: Sequence): void {
    sequence.pages?.dispose();
    sequence.pages = undefined;
  }

  #offerNew(sequence: Sequence, running: readonly Sequence[]): "begins" | "waits" | "lets pass" {
    const { cache, supply } = this.#resources;
    const report = cache.share(sequence, sequence.pages!);
    if (cache.isComing(sequence, running, report.matched)) return "lets pass";
    if (!supply.hasRoom(sequence, running)) return "waits";
    if (!sequence.cache) {
      sequence.cache = report;
      cache.count(report);
    }
    return "begins";
  }

  #offerParked(
    sequence: Sequence,
    parked: Parked,
    running: readonly Sequence[],
  ): "begins" | "waits" | "lets pass" {
    const { cache, supply, parking, failed } = this.#resources;
    const pages = sequence.pages!;
    if (!parked.bytes && !parked.isKept) {
      this.isFetching = true;
      return "lets pass";
    }
    const blocks = parked.isIntact ? cache.shareBlocks(sequence, pages, parked.seen) : 0;
    const needed = parked.pages - blocks * pages.heads;
    if (!supply.hasRoom(sequence, running, needed)) return "waits";
    if (!parked.bytes) {
      this.isFetching = true;
      parking.fetch(parked);
      return "waits";
    }
    if (!supply.provide(needed)) return "waits";
    if (parked.isIntact) pages.append(parked.seen - pages.seen);
    else pages.restore(parked.resident, parked.seen);
    parking.writeBack(sequence, blocks, (reason) => failed(sequence, internalError(reason)));
    return "begins";
  }

  #newPages(): SequencePages {
    const { model, memory, pool } = this.#resources;
    const { kvLayers, kvHeads } = model;
    return new SequencePages({ pool, kvLayers, kvHeads, pageTokens: memory.spec.pageTokens });
  }
}
