import type { EngineStats } from "@kvasir/core";

/** Tells an engine that works from one that hangs, by its count of steps. */
export class EngineWatch {
  #steps = -1;
  #since = 0;

  /** Milliseconds for which there was work and no step ended; 0 while idle, or while all wait for their readers. `now`: any clock in milliseconds. */
  observe(stats: Pick<EngineStats, "running" | "paused" | "waiting" | "steps">, now: number): number {
    const rests = stats.running === stats.paused && (stats.running > 0 || stats.waiting === 0);
    if (stats.steps !== this.#steps || rests) this.#since = now;
    this.#steps = stats.steps;
    return now - this.#since;
  }
}
