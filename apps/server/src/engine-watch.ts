import type { EngineStats } from "@kvasir/core";

/** Tells an engine that works from one that hangs, by its count of steps. */
export class EngineWatch {
  #steps = -1;
  #since = 0;

  /** Milliseconds for which there was work and no step ended; 0 while idle. `now`: any clock in milliseconds. */
  observe(stats: Pick<EngineStats, "running" | "waiting" | "steps">, now: number): number {
    if (stats.steps !== this.#steps || stats.running + stats.waiting === 0) this.#since = now;
    this.#steps = stats.steps;
    return now - this.#since;
  }
}
