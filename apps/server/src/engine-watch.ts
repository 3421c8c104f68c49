import type { EngineStats } from "@kvasir/core";

type Watched = Pick<EngineStats, "running" | "paused" | "waiting" | "steps" | "lastTick">;

/** Tells an engine that works from one that hangs, by its count of steps and the last turn of its loop. */
export class EngineWatch {
  #steps = -1;
  #since = 0;
  #rested = 0;

  /**
   * Milliseconds for which there was work and no step ended, or the loop did not turn; 0 while idle, or while all wait
   * for their readers. `now`: milliseconds, of the same clock as `lastTick`.
   */
  observe(stats: Watched, now: number): number {
    const rests = stats.running === stats.paused && (stats.running > 0 || stats.waiting === 0);
    if (rests) this.#rested = now;
    if (stats.steps !== this.#steps || rests) this.#since = now;
    this.#steps = stats.steps;
    if (rests) return 0;
    // A loop that had nothing to do did not turn either.
    const sinceTurn = now - Math.max(stats.lastTick, this.#rested);
    return Math.max(now - this.#since, sinceTurn);
  }
}
