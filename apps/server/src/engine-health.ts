import type { Logger } from "pino";
import type { EngineLike } from "./engine-like.ts";
import { EngineWatch } from "./engine-watch.ts";

/** Whether an engine gets on with its work; writes a line when that changes. */
export class EngineHealth {
  readonly #engine: EngineLike;
  readonly #stallLimit: number;
  readonly #logger: Logger;
  readonly #watch = new EngineWatch();
  #stalled = false;
  #timer: NodeJS.Timeout | undefined;

  /** `stallLimit`: milliseconds without progress, while there is work, that count as a stall. */
  constructor(engine: EngineLike, stallLimit: number, logger: Logger) {
    this.#engine = engine;
    this.#stallLimit = stallLimit;
    this.#logger = logger;
  }

  get stallLimit(): number {
    return this.#stallLimit;
  }

  isStalled(): boolean {
    const stats = this.#engine.stats();
    const milliseconds = this.#watch.observe(stats, performance.now());
    const stalled = milliseconds > this.#stallLimit;
    if (stalled === this.#stalled) return stalled;
    this.#stalled = stalled;
    const { running, waiting, steps } = stats;
    if (stalled) this.#logger.error({ milliseconds, running, waiting, steps }, "the engine stalls");
    else this.#logger.info({ running, waiting, steps }, "the engine goes on");
    return stalled;
  }

  /** Looks from time to time, for the log; does not keep the process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.isStalled(), Math.max(1000, this.#stallLimit / 4)).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
