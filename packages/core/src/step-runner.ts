import { PageTables } from "@kvasir/paged-memory";
import type { Model, PageMemory, StepResult } from "@kvasir/runtime";
import { internalError, messageOf } from "./engine-error.ts";
import { evict } from "./eviction.ts";
import type { LoopCounts } from "./loop-counts.ts";
import type { PageClaims } from "./page-claims.ts";
import type { Scheduled } from "./schedule.ts";
import type { Sequence } from "./sequence.ts";
import { planStep, type StepPlan } from "./step-plan.ts";

export type StepRunnerOptions = {
  readonly claims: PageClaims;
  readonly counts: LoopCounts;
  /** Called when a step has its pages. */
  readonly planned: () => void;
  /** Ends a sequence; with an error, its reader gets that. */
  readonly end: (sequence: Sequence, error?: unknown) => void;
};

/** Runs steps: lays them out, has the device run them, hands out what came of them, and evicts from who decodes. */
export class StepRunner {
  readonly #resources: { readonly model: Model; readonly memory: PageMemory };
  readonly #options: StepRunnerOptions;
  readonly #tables = new PageTables();
  /** Slots that were still being moved when the last step ended; never rejects. */
  moved: Promise<void> | undefined;

  constructor(resources: { readonly model: Model; readonly memory: PageMemory }, options: StepRunnerOptions) {
    this.#resources = resources;
    this.#options = options;
  }

  /**
   * Runs one step, of sequences that want vectors or of others. If it fails, its sequences run again one by one, so that only the guilty one fails. That is exact:
   * slots and queries are written over, and devices take all memory before they add any attention up.
   */
  async run(scheduled: readonly Scheduled<Sequence>[]): Promise<void> {
    const { memory } = this.#resources;
    const before = scheduled.map(({ sequence }) => sequence.logical);
    let plan: StepPlan;
    let result: StepResult;
    let evicting: Promise<void> | undefined;
    try {
      plan = planStep(scheduled, memory, this.#tables);
      this.#options.planned();
      const ran = Promise.all([plan.copies, this.#result(plan, scheduled[0]!.sequence.kind)]);
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
          this.#options.end(sequence, internalError(`the step failed: ${messageOf(cause)}`, cause));
      } else {
        for (const one of there) await this.run([one]);
      }
      return;
    }
    this.#options.counts.stepped(scheduled, before);
    plan.outputs.forEach(({ sequence, position }, i) => {
      if (!sequence.pages) return; // it failed meanwhile, or gave its pages to others
      try {
        this.#accept(sequence, result, i, position);
      } catch (cause) {
        this.#options.end(sequence, internalError(`the answer failed: ${messageOf(cause)}`, cause));
      }
    });
    await evicting;
  }

  /** What the device says; rows of the last norm in the place of logits where vectors are wanted. */
  async #result({ step }: StepPlan, kind: Sequence["kind"]): Promise<StepResult> {
    const { memory, model } = this.#resources;
    if (kind !== "embed") return model.run(memory, step);
    const { sampling, ...unsampled } = step;
    const logits = await model.embed(memory, unsampled);
    return { tokens: new Int32Array(0), logprobs: new Float32Array(0), top: [], logits };
  }

  /** Evicts from those that decode in this step, once it is over. What is moved then, is moved while the next is planned. */
  async #evict(scheduled: readonly Scheduled<Sequence>[], step: Promise<unknown>): Promise<void> {
    const decoding = scheduled
      .map(({ sequence }) => sequence)
      .filter(({ policy, phase }) => policy.evicts && phase === "decode");
    if (decoding.length === 0) return;
    const evictions = await evict(decoding, {
      source: this.#resources,
      step,
      claims: this.#options.claims,
      fail: (sequence, error) => this.#options.end(sequence, error),
      behind: (moved) => {
        this.moved = moved;
      },
    });
    for (const [sequence, eviction] of evictions) this.#options.counts.evicted(sequence, eviction);
  }

  #accept(sequence: Sequence, result: StepResult, output: number, position: number): void {
    if (position + 1 < sequence.tokens.length) {
      sequence.acceptPrompt(result, output, position);
      return;
    }
    this.#options.counts.accepted(sequence);
    if (sequence.accept(result, output)) this.#options.end(sequence);
  }
}
