import type { RequestRecord } from "./load/request-record.ts";
import { firstTokenMs, gapsMs } from "./report/latencies.ts";
import { percentilesOf } from "./report/percentiles.ts";

/** As many of the newest samples as a line on a terminal needs. */
const newest = 256;

/** What is known of a run while it goes on. */
export class LiveFigures {
  #firsts: number[] = [];
  #gaps: number[] = [];
  #tokens = 0;
  #failed = 0;
  readonly #started = performance.now();
  finished = 0;

  add(record: RequestRecord): void {
    this.finished++;
    this.#tokens += record.outputTokens;
    if (record.outcome === "failed") this.#failed++;
    const first = firstTokenMs(record);
    if (first !== undefined) this.#firsts = [...this.#firsts.slice(1 - newest), first];
    this.#gaps = [...this.#gaps, ...gapsMs(record)].slice(-newest);
  }

  /** For people: medians of the newest requests, and the output of all. */
  toString(): string {
    const seconds = Math.max(1e-3, (performance.now() - this.#started) / 1000);
    const median = (samples: readonly number[]) => percentilesOf(samples)?.p50.toFixed(0) ?? "-";
    return [
      `${this.finished} requests`,
      `TTFT ${median(this.#firsts)} ms`,
      `ITL ${median(this.#gaps)} ms`,
      `${(this.#tokens / seconds).toFixed(0)} tok/s`,
      ...(this.#failed > 0 ? [`${this.#failed} failed`] : []),
    ].join(", ");
  }
}
