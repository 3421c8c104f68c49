import { monitorEventLoopDelay } from "node:perf_hooks";
import type { GeneratorFacts } from "./report/load-report.ts";

/** Milliseconds between two looks. */
const resolution = 10;

/** Watches how late this process's own event loop is, and how busy the process. */
export class LoopDelay implements Disposable {
  readonly #histogram = monitorEventLoopDelay({ resolution });
  readonly #started = performance.now();
  readonly #usage = process.cpuUsage();

  constructor() {
    this.#histogram.enable();
  }

  /** Until now. A look counts from when it was due. */
  read(): Pick<GeneratorFacts, "loopDelay" | "processor"> {
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
    const { user, system } = process.cpuUsage(this.#usage);
    return {
      loopDelay: { p99: late(this.#histogram.percentile(99)), max: late(this.#histogram.max) },
      processor: (user + system) / 1000 / Math.max(1, performance.now() - this.#started),
    };
  }

  [Symbol.dispose](): void {
    this.#histogram.disable();
  }
}
