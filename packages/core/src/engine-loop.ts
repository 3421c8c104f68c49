import { checkIntegrity, type PageCensus, type PagePool } from "@kvasir/paged-memory";
import type { Model, PageMemory } from "@kvasir/runtime";
import { Admission } from "./admission.ts";
import { EngineError, internalError, messageOf } from "./engine-error.ts";
import type { EngineEvent } from "./engine-event.ts";
import { goesByQueries } from "./head-signals.ts";
import { LoopCounts } from "./loop-counts.ts";
import { bePatient } from "./mask-patience.ts";
import { PageClaims } from "./page-claims.ts";
import { PageSupply } from "./page-supply.ts";
import type { ParkingPlace } from "./parked.ts";
import { Parking } from "./parking.ts";
import { PrefixCache } from "./prefix-cache.ts";
import { PromptCompressions } from "./prompt-compressions.ts";
import { dropQueries, RunningSequences } from "./running-sequences.ts";
import { type Scheduled, schedule } from "./schedule.ts";
import type { Sequence } from "./sequence.ts";
import type { SavedFormat } from "./session/saved-format.ts";
import { Sessions } from "./session/sessions.ts";
import { StepClock } from "./step-clock.ts";
import { StepRunner } from "./step-runner.ts";

export type LoopResources = {
  readonly model: Model;
  readonly memory: PageMemory;
  readonly pool: PagePool;
  /** Of the pages, for files. */
  readonly format: SavedFormat;
  /** Where pages of preempted requests may be copied to, the best place first. */
  readonly places: readonly ParkingPlace[];
};

export type LoopLimits = {
  /** When to count all pages: after every step, or only when nothing runs. */
  readonly integrity: "step" | "idle";
  /** Told when they do not add up while idle. */
  readonly onWarning: (message: string) => void;
  readonly onEvent: (event: EngineEvent) => void;
  readonly stepTokens: number;
  /** How long a step may take where somebody decodes. */
  readonly stepMilliseconds: number;
  readonly chunkTokens: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
  readonly maxWaitingTokens: number;
};

/**
 * Admit, plan, run, hand out, evict: again and again while there is work. Everything that owns pages is
 * touched here and nowhere else, between two steps.
 */
export class EngineLoop {
  readonly #resources: LoopResources;
  readonly #limits: LoopLimits;
  readonly cache: PrefixCache;
  readonly sessions: Sessions;
  readonly parking: Parking;
  readonly counts = new LoopCounts();
  readonly #admission: Admission;
  readonly #claims: PageClaims;
  readonly #compressions: PromptCompressions;
  readonly #clock: StepClock;
  readonly #runner: StepRunner;
  readonly #running: RunningSequences;
  #turning: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** Something has changed since this turn began. */
  #stirred = false;
  /** Work on pages that waits for the step under way to end. */
  #between: (() => void)[] = [];
  #closed = false;

  constructor(resources: LoopResources, limits: LoopLimits) {
    const { model, memory, pool } = resources;
    const { pageTokens } = memory.spec;
    this.#resources = resources;
    this.#limits = limits;
    this.cache = new PrefixCache(pool, model, pageTokens);
    this.sessions = new Sessions({ ...resources, tree: this.cache.tree });
    const giveWay = () => this.sessions.giveWay();
    const { chunkTokens } = limits;
    const supply = new PageSupply(pool, this.cache, model, { pageTokens, chunkTokens, giveWay });
    this.#clock = new StepClock(limits.stepMilliseconds, limits.stepTokens);
    this.parking = new Parking({
      memory,
      clock: this.#clock,
      places: resources.places,
      changed: () => this.#stir(),
    });
    const end = (sequence: Sequence, error?: unknown) => this.#running.end(sequence, error);
    const waiting = { ...resources, cache: this.cache, supply, parking: this.parking, failed: end };
    this.#admission = new Admission(waiting, limits);
    this.#running = new RunningSequences({
      model,
      cache: this.cache,
      sessions: this.sessions,
      parking: this.parking,
      counts: this.counts,
      onEvent: limits.onEvent,
    });
    this.#claims = new PageClaims({
      supply,
      cache: this.cache,
      candidates: () => this.running.filter((one) => !this.#compressions.has(one)),
      preempt: (sequence) => {
        this.#running.preempt(sequence, this.ownedPages / pool.capacity);
        this.#admission.putBack(sequence);
      },
    });
    this.#compressions = new PromptCompressions(resources, this.#claims, (work) => this.#betweenSteps(work));
    this.#runner = new StepRunner(resources, {
      claims: this.#claims,
      counts: this.counts,
      planned: () => this.counts.used(this.ownedPages),
      end,
    });
  }

  get running(): readonly Sequence[] {
    return this.#running.all;
  }

  /** Sequences that run, but whose readers are behind: they rest until there is room in their queues. */
  get paused(): number {
    return this.running.filter(({ queue }) => queue.full).length;
  }

  get waiting(): number {
    return this.#admission.waiting;
  }

  get waitingTokens(): number {
    return this.#admission.waitingTokens;
  }

  /** Pages that sequences hold. */
  get ownedPages(): number {
    return this.#resources.pool.usedPages - this.cache.cachedPages;
  }

  /** Starts a sequence or queues it. Throws `overloaded`, `out-of-pages` (it could never run) or `disposed`. */
  submit(sequence: Sequence): void {
    if (this.#closed) throw new EngineError("disposed", "the engine is disposed");
    this.#admission.add(sequence);
    this.#admit();
    this.#admission.requireRoom(sequence);
    sequence.queue.onRoom = () => this.#stir();
    sequence.onReady = () => this.#stir();
    this.#stir();
    this.#turning ??= this.#turn();
  }

  /** To be called when a reader has left: one that waited makes room at once, one that ran before the next step. */
  readerLeft(): void {
    this.#admission.dropLeft();
    this.#stir();
  }

  /** Drops cached prefixes that no running request uses, and forgets sessions; returns how many tokens they held. */
  resetCache(): number {
    this.sessions.forget();
    return this.cache.tree.reset() * this.#resources.memory.spec.pageTokens;
  }

  /** Counts all pages. Throws `IntegrityError` where some are lost or owned twice. */
  checkIntegrity(): PageCensus {
    const sequences = this.running.flatMap(({ pages }) => pages ?? []);
    const owners = [...sequences, ...this.sessions.staged];
    return checkIntegrity({ pool: this.#resources.pool, sequences: owners, trees: [this.cache.tree] });
  }

  /** Fails what is there and waits for the step under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stir();
    await this.#turning;
    await this.#runner.moved;
    await this.sessions.close();
    await this.parking.dispose();
    this.cache.tree.reset();
  }

  async #turn(): Promise<void> {
    await null; // requests of the same tick share their first step
    while (!this.#closed && (this.running.length > 0 || this.waiting > 0)) {
      this.counts.lastTick = performance.now();
      this.#stirred = false;
      for (const work of this.#between.splice(0)) work();
      this.#dropLeft();
      this.#admit();
      await bePatient(this.#going);
      this.#dropLeft();
      const ready = this.#going.filter(({ awaited }) => !awaited);
      const ran = ready.length > 0 && (await this.#step(ready).catch((cause) => this.#failAll(cause)));
      if (!ran && this.#between.length === 0 && this.running.length > 0) await this.#rest();
      if (this.running.length > 0 || this.waiting === 0) continue;
      if (this.#admission.isFetching) await this.#rest();
      else this.#failNext();
    }
    for (const work of this.#between.splice(0)) work();
    if (!this.#closed) this.#checkIdle();
    const error = new EngineError("disposed", "the engine is disposed");
    for (const sequence of this.#admission.remove(() => true)) sequence.queue.fail(error);
    for (const sequence of this.running) this.#running.end(sequence, error);
    this.#turning = undefined;
  }

  /** Those that neither their readers nor a compression hold up. */
  get #going(): readonly Sequence[] {
    return this.running.filter((one) => !one.queue.full && !this.#compressions.has(one));
  }

  #stir(): void {
    this.#stirred = true;
    this.#wake?.();
  }

  /** All readers are behind, prompts compressed or masks late: until that changes, a request comes, or the engine is disposed. */
  async #rest(): Promise<void> {
    if (this.#stirred) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  /** Runs work on pages once no step is under way. */
  #betweenSteps<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#between.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
      this.#stir();
    });
  }

  /** A defect of ours: nobody may wait for ever. */
  #failAll(cause: unknown): true {
    const error = internalError(messageOf(cause), cause);
    for (const sequence of this.running) this.#running.end(sequence, error);
    return true;
  }

  /** Nobody runs, and yet somebody cannot: the cache's pages are used by nobody, so this is a defect, too. */
  #failNext(): void {
    this.#admit();
    if (this.running.length > 0 || this.#admission.isFetching) return;
    const [next] = this.#admission.remove((one) => one.arrival > 0);
    next?.queue.fail(internalError("no pages for a request, though none run"));
  }

  #admit(): void {
    this.#admission.admit(
      () => this.running,
      (sequence, way) => this.#running.begin(sequence, way),
    );
  }

  /** Says whether anything ran. */
  async #step(ready: readonly Sequence[]): Promise<boolean> {
    const decodes = ready.filter((sequence) => sequence.decodes).length;
    const promptTokens = this.#clock.promptTokens(ready.length - decodes + this.waiting, decodes);
    const chosen = schedule(ready, { tokens: this.#limits.stepTokens, promptTokens });
    const scheduled = this.#claims.forStep(chosen, (sequence, error) => this.#running.end(sequence, error));
    if (scheduled.length === 0) return false;
    const decoding = scheduled.filter(({ sequence }) => sequence.decodes).length;
    const start = performance.now();
    const vectors = scheduled.filter(({ sequence }) => sequence.kind === "embed");
    const others = scheduled.filter(({ sequence }) => sequence.kind !== "embed");
    for (const part of [others, vectors]) if (part.length > 0) await this.#runner.run(part);
    this.#stepped(scheduled, decoding, performance.now() - start);
    this.#dropLeft();
    const alive = scheduled.map(({ sequence }) => sequence).filter((one) => this.running.includes(one));
    for (const sequence of alive) if (sequence.logical <= sequence.promptLength) this.cache.store(sequence);
    const evicting = alive.filter(({ policy, phase }) => policy.evicts && phase !== "prefill");
    for (const sequence of evicting) if (sequence.phase !== "decode") this.#compress(sequence);
    if (this.#limits.integrity === "step") this.checkIntegrity();
    return true;
  }

  #stepped(scheduled: readonly Scheduled<Sequence>[], decoding: number, milliseconds: number): void {
    const tokens = scheduled.reduce((sum, { rows }) => sum + rows, 0);
    this.#clock.ended(tokens - decoding, decoding, milliseconds);
    const running = this.running.length;
    this.#limits.onEvent({ type: "step", milliseconds, tokens, promptTokens: tokens - decoding, running });
  }

  #compress(sequence: Sequence): void {
    void this.#compressions.start(sequence, (_, eviction, error) => {
      this.counts.evicted(sequence, eviction);
      if (error && this.running.includes(sequence)) this.#running.end(sequence, error);
      if (sequence.phase === "prompt-end" && !goesByQueries(sequence.policy, "decode")) dropQueries(sequence);
      this.#stir();
    });
  }

  #checkIdle(): void {
    try {
      this.checkIntegrity();
    } catch (error) {
      this.#limits.onWarning(`page accounting is wrong, please report it: ${messageOf(error)}`);
    }
  }

  #dropLeft(): void {
    this.#admission.dropLeft();
    for (const sequence of this.#running.all.filter(({ left }) => left)) this.#running.end(sequence);
  }
}
