import { type PagePool, SequencePages } from "@kvasir/paged-memory";
import type { Model, PageMemory } from "@kvasir/runtime";
import { EngineError, internalError, messageOf } from "./engine-error.ts";
import type { CacheReport } from "./generation.ts";
import type { PageSupply } from "./page-supply.ts";
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

  /**
   * Begins those whose turn it is, with their first pages. Whoever finds no room holds up all behind it, so that a large
   * request is not passed by small ones for ever; but one whose prefix another is computing right now lets others pass.
   *
   * @param running asked again and again: those that were begun are to be among them
   */
  admit(running: () => readonly Sequence[], begin: (sequence: Sequence) => void): void {
    if (this.waiting === 0) return;
    const { cache, supply } = this.#resources;
    const admitted = new Set<Sequence>();
    let passed = 0;
    for (const sequence of this.#line.inOrder(performance.now())) {
      const others = running();
      if (others.length >= this.#limits.maxRunning || passed >= mostPassed) break;
      if (!queriesFit(sequence, others, this.#resources)) break;
      const pages = this.#newPages();
      let report: CacheReport;
      try {
        report = cache.share(sequence, pages);
      } catch (cause) {
        pages.dispose();
        admitted.add(sequence);
        sequence.queue.fail(internalError(`the cache failed: ${messageOf(cause)}`, cause));
        continue;
      }
      if (cache.isComing(sequence, others, report.matched)) {
        pages.dispose();
        passed += 1;
        continue;
      }
      sequence.pages = pages;
      if (!supply.hasRoom(sequence, others)) {
        pages.dispose();
        sequence.pages = undefined;
        break;
      }
      if (!sequence.cache) {
        sequence.cache = report;
        cache.count(report);
      }
      admitted.add(sequence);
      begin(sequence);
    }
    this.remove((one) => admitted.has(one));
  }

  #newPages(): SequencePages {
    const { model, memory, pool } = this.#resources;
    const { kvLayers, kvHeads } = model;
    return new SequencePages({ pool, kvLayers, kvHeads, pageTokens: memory.spec.pageTokens });
  }
}
