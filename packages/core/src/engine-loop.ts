import { checkIntegrity, type PagePool, PageTables } from "@kvasir/paged-memory";
import type { Model, PageMemory, StepResult } from "@kvasir/runtime";
import { EngineError } from "./engine-error.ts";
import { evict } from "./eviction.ts";
import { goesByQueries } from "./head-signals.ts";
import { PagePromises } from "./page-promises.ts";
import { PromptCompressions } from "./prompt-compressions.ts";
import { queriesFit } from "./query-memory.ts";
import { type Scheduled, schedule } from "./schedule.ts";
import type { Sequence } from "./sequence.ts";
import { planStep, type StepPlan } from "./step-plan.ts";

export type LoopResources = {
  readonly model: Model;
  readonly memory: PageMemory;
  readonly pool: PagePool;
};

export type LoopLimits = {
  /** When to count all pages: after every step, or only when nothing runs. */
  readonly integrity: "step" | "idle";
  /** Told when they do not add up while idle. */
  readonly onWarning: (message: string) => void;
  readonly stepTokens: number;
  readonly chunkTokens: number;
  readonly maxRunning: number;
  readonly maxWaiting: number;
};

/**
 * Admit, plan, run, hand out, evict: again and again while there is work. Everything that owns pages is
 * touched here and nowhere else, between two steps.
 */
export class EngineLoop {
  readonly #resources: LoopResources;
  readonly #limits: LoopLimits;
  readonly #promises: PagePromises;
  readonly #compressions: PromptCompressions;
  readonly #tables = new PageTables();
  #waiting: Sequence[] = [];
  #running: Sequence[] = [];
  #turning: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  /** Slots that were still being moved when a step ended; never rejects. */
  #moved: Promise<void> | undefined;
  #closed = false;
  peakPages = 0;
  evictedSlots = 0;
  steps = 0;
  promptTokens = 0;
  generatedTokens = 0;
  scoredTokens = 0;

  constructor(resources: LoopResources, limits: LoopLimits) {
    this.#resources = resources;
    this.#limits = limits;
    this.#promises = new PagePromises(resources.pool, resources.model, {
      pageTokens: resources.memory.spec.pageTokens,
      chunkTokens: limits.chunkTokens,
    });
    this.#compressions = new PromptCompressions(resources);
  }

  get running(): readonly Sequence[] {
    return this.#running;
  }

  /** Sequences that run, but whose readers are behind: they rest until there is room in their queues. */
  get paused(): number {
    return this.#running.filter(({ queue }) => queue.full).length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Starts a sequence or queues it. Throws `overloaded`, `out-of-pages` (it could never run) or `disposed`. */
  submit(sequence: Sequence): void {
    if (this.#closed) throw new EngineError("disposed", "the engine is disposed");
    this.#promises.requirePossible(sequence);
    this.#waiting.push(sequence);
    this.#admit();
    if (this.#waiting.length > this.#limits.maxWaiting) {
      this.#waiting.pop();
      throw new EngineError("overloaded", `${this.#waiting.length} requests wait already, the most that may`);
    }
    sequence.queue.onRoom = () => this.#wake?.();
    this.#wake?.();
    this.#turning ??= this.#turn();
  }

  /** To be called when a reader has left: one that waited makes room at once, one that ran before the next step. */
  readerLeft(): void {
    this.#dropWaiting();
    this.#wake?.();
  }

  #dropWaiting(): void {
    this.#waiting = this.#waiting.filter((sequence) => !sequence.left);
  }

  /** Fails what is there and waits for the step under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#turning;
    await this.#moved;
  }

  async #turn(): Promise<void> {
    await null; // requests of the same tick share their first step
    while (!this.#closed && (this.#running.length > 0 || this.#waiting.length > 0)) {
      this.#drop((sequence) => sequence.left);
      this.#admit();
      const ready = this.#running.filter((one) => !one.queue.full && !this.#compressions.has(one));
      if (ready.length > 0) await this.#step(ready).catch((cause) => this.#failAll(cause));
      else if (this.#running.length > 0) await this.#rest();
      else this.#waiting.shift()?.queue.fail(failure("no pages for a request, though none run"));
    }
    if (!this.#closed) this.#checkIdle();
    const error = new EngineError("disposed", "the engine is disposed");
    for (const sequence of this.#waiting.splice(0)) sequence.queue.fail(error);
    for (const sequence of this.#running) this.#end(sequence, error);
    this.#turning = undefined;
  }

  /** All readers are behind or prompts compressed: until that changes, a request comes, or the engine is disposed. */
  async #rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  /** A defect of ours: nobody may wait for ever. */
  #failAll(cause: unknown): void {
    const error = failure(messageOf(cause), cause);
    for (const sequence of this.#running) this.#end(sequence, error);
  }

  #admit(): void {
    while (this.#running.length < this.#limits.maxRunning && this.#waiting.length > 0) {
      const sequence = this.#waiting[0]!;
      if (!queriesFit(sequence, this.#running, this.#resources) || !this.#promises.admit(sequence)) return;
      this.#waiting.shift();
      this.#running.push(sequence);
      this.#keepQueries(sequence);
    }
  }

  #keepQueries(sequence: Sequence): void {
    const { name, window, evicts } = sequence.policy;
    if (!evicts || window === 0) return;
    try {
      sequence.queries = this.#resources.model.queryWindow(window);
    } catch (cause) {
      const what = `no memory for the ${window} newest queries that policy ${name} goes by`;
      const message = `${what}: ${messageOf(cause)}`;
      this.#end(sequence, new EngineError("overloaded", message, "kvCache.policy", { cause }));
    }
  }

  async #step(ready: readonly Sequence[]): Promise<void> {
    const { stepTokens, chunkTokens } = this.#limits;
    const scheduled = schedule(ready, stepTokens, chunkTokens);
    await this.#run(scheduled);
    this.#drop((sequence) => sequence.left);
    const alive = scheduled.map(({ sequence }) => sequence).filter((one) => this.#running.includes(one));
    const evicting = alive.filter(({ policy, phase }) => policy.evicts && phase !== "prefill");
    for (const sequence of evicting) if (sequence.phase !== "decode") this.#compress(sequence);
    if (this.#limits.integrity === "step") this.#check();
  }

  #compress(sequence: Sequence): void {
    void this.#compressions.start(sequence, (_, evicted, error) => {
      this.evictedSlots += evicted;
      if (error && this.#running.includes(sequence)) this.#end(sequence, error);
      else this.#promises.renew(sequence);
      if (sequence.phase === "prompt-end" && !goesByQueries(sequence.policy, "decode")) dropQueries(sequence);
      this.#wake?.();
    });
  }

  /** Throws where pages are lost or owned twice. */
  #check(): void {
    const sequences = this.#running.flatMap(({ pages }) => pages ?? []);
    checkIntegrity({ pool: this.#resources.pool, sequences });
  }

  #checkIdle(): void {
    try {
      this.#check();
    } catch (error) {
      this.#limits.onWarning(`page accounting is wrong, please report it: ${messageOf(error)}`);
    }
  }

  /**
   * Runs one step. If it fails, its sequences run again one by one, so that only the guilty one fails. That is exact:
   * slots and queries are written over, and devices take all memory before they add any attention up.
   */
  async #run(scheduled: readonly Scheduled<Sequence>[]): Promise<void> {
    const { memory, model, pool } = this.#resources;
    const before = scheduled.map(({ sequence }) => sequence.logical);
    let plan: StepPlan;
    let result: StepResult;
    let evicting: Promise<void> | undefined;
    try {
      plan = planStep(scheduled, memory, this.#tables);
      this.peakPages = Math.max(this.peakPages, pool.usedPages);
      const ran = Promise.all([plan.copies, model.run(memory, plan.step)]);
      evicting = this.#evict(scheduled, ran);
      [, result] = await ran;
    } catch (cause) {
      await evicting;
      // Without those whose eviction failed meanwhile.
      const there = scheduled.filter(({ sequence }, i) => {
        sequence.pages?.truncate(sequence.logical - before[i]!);
        return sequence.pages !== undefined;
      });
      if (scheduled.length === 1) {
        for (const { sequence } of there)
          this.#end(sequence, failure(`the step failed: ${messageOf(cause)}`, cause));
      } else {
        for (const one of there) await this.#run([one]);
      }
      return;
    }
    this.steps += 1;
    scheduled.forEach(({ sequence, rows }, i) => {
      this.promptTokens += Math.max(0, Math.min(rows, sequence.promptLength - before[i]!));
    });
    plan.outputs.forEach((sequence, i) => {
      if (!sequence.pages) return; // it failed meanwhile
      try {
        this.#accept(sequence, result, i);
      } catch (cause) {
        this.#end(sequence, failure(`the answer failed: ${messageOf(cause)}`, cause));
      }
    });
    await evicting;
  }

  /** Evicts from those that decode in this step, once it is over. What is moved then, is moved while the next is planned. */
  async #evict(scheduled: readonly Scheduled<Sequence>[], step: Promise<unknown>): Promise<void> {
    const decoding = scheduled
      .map(({ sequence }) => sequence)
      .filter(({ policy, phase }) => policy.evicts && phase === "decode");
    if (decoding.length === 0) return;
    this.evictedSlots += await evict(decoding, {
      source: this.#resources,
      step,
      fail: (sequence, error) => this.#end(sequence, error),
      behind: (moved) => {
        this.#moved = moved;
      },
    });
  }

  #accept(sequence: Sequence, result: StepResult, output: number): void {
    if (sequence.kind === "score") this.scoredTokens += 1;
    else this.generatedTokens += 1;
    if (sequence.accept(result, output)) this.#end(sequence);
  }

  /** Ends a running sequence: pages and promise go back, the reader gets the end or the error. */
  #end(sequence: Sequence, error?: unknown): void {
    this.#running = this.#running.filter((other) => other !== sequence);
    this.#promises.release(sequence);
    dropQueries(sequence);
    if (error === undefined) sequence.queue.end();
    else sequence.queue.fail(error);
  }

  #drop(condition: (sequence: Sequence) => boolean): void {
    this.#dropWaiting();
    for (const sequence of this.#running.filter(condition)) this.#end(sequence);
  }
}

function dropQueries(sequence: Sequence): void {
  sequence.queries?.dispose();
  sequence.queries = undefined;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const failure = (message: string, cause?: unknown): EngineError =>
  new EngineError("internal", message, undefined, { cause });
