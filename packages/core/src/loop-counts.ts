import type { PreemptionWay } from "./engine-event.ts";
import type { Eviction } from "./eviction.ts";
import type { Scheduled } from "./schedule.ts";
import type { Sequence } from "./sequence.ts";

/** What the loop has done so far. */
export class LoopCounts {
  steps = 0;
  promptTokens = 0;
  generatedTokens = 0;
  scoredTokens = 0;
  /** Tokens that went through the model again after a preemption. */
  recomputedTokens = 0;
  peakPages = 0;
  evictedSlots = 0;
  /** By the policy's name. */
  readonly evictedSlotsByPolicy: Record<string, number> = Object.create(null);
  readonly freedPagesByPolicy: Record<string, number> = Object.create(null);
  readonly preemptions: Record<PreemptionWay, number> = { recompute: 0, host: 0, file: 0 };
  /** When the loop last did something, by `performance.now()`. */
  lastTick = 0;

  used(pages: number): void {
    this.peakPages = Math.max(this.peakPages, pages);
  }

  /** @param before tokens that each sequence had in its cache before the step */
  stepped(scheduled: readonly Scheduled<Sequence>[], before: readonly number[]): void {
    this.steps += 1;
    scheduled.forEach(({ sequence, rows }, i) => {
      const again = Math.min(rows, Math.max(0, sequence.computed - before[i]!));
      this.recomputedTokens += again;
      sequence.computed = Math.max(sequence.computed, before[i]! + rows);
      this.promptTokens += Math.max(0, Math.min(rows - again, sequence.promptLength - before[i]! - again));
    });
  }

  accepted({ kind }: Sequence): void {
    if (kind === "score") this.scoredTokens += 1;
    else if (kind === "generate") this.generatedTokens += 1;
  }

  evicted({ policy: { name } }: Sequence, { slots, pages }: Eviction): void {
    if (slots === 0) return;
    this.evictedSlots += slots;
    this.evictedSlotsByPolicy[name] = (this.evictedSlotsByPolicy[name] ?? 0) + slots;
    this.freedPagesByPolicy[name] = (this.freedPagesByPolicy[name] ?? 0) + pages;
  }

  preempted(way: PreemptionWay): void {
    this.preemptions[way] += 1;
  }
}
