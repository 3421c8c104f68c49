import type { RequestRecord } from "../load/request-record.ts";
import { firstTokenMs } from "./latencies.ts";

/** A run over time, in equal parts. */
export type TimeSeries = {
  /** Seconds of a part. */
  readonly step: number;
  /** Output tokens a second, a part each. */
  readonly outputRate: readonly number[];
  /** Prompt tokens a second, counted where the first token came. */
  readonly promptRate: readonly number[];
  /** Requests open at the end of each part. */
  readonly open: readonly number[];
  /** [seconds after the start, milliseconds to the first token] of at most 2,000 requests, evenly chosen. */
  readonly firstTokens: readonly (readonly [number, number])[];
};

const mostParts = 60;
const mostPoints = 2000;

/** Of all requests that were sent, from `start` to `end` in milliseconds of `performance.now()`. */
export function timeSeriesOf(records: readonly RequestRecord[], start: number, end: number): TimeSeries {
  const seconds = Math.max(1e-3, (end - start) / 1000);
  const step = roundStep(seconds / mostParts);
  const parts = Math.max(1, Math.ceil(seconds / step));
  const output = new Float64Array(parts);
  const prompt = new Float64Array(parts);
  const change = new Float64Array(parts + 1);
  const partOf = (at: number) => Math.min(parts - 1, Math.max(0, Math.floor((at - start) / 1000 / step)));
  for (const { times, endedAt, arrivedAt, outputTokens, usage } of records) {
    // An event may hold several tokens: each gets its share of what the server counted.
    const each = times.length > 0 ? outputTokens / times.length : 0;
    for (const time of times) output[partOf(time)]! += each;
    if (times.length === 0) output[partOf(endedAt)]! += outputTokens;
    prompt[partOf(times[0] ?? endedAt)]! += usage?.prompt ?? 0;
    change[partOf(arrivedAt)]! += 1;
    change[partOf(endedAt)]! -= 1;
  }
  let running = 0;
  // The last part is as short as it comes out.
  const lengths = Array.from({ length: parts }, (_, i) => Math.max(1e-3, Math.min(step, seconds - i * step)));
  return {
    step,
    outputRate: lengths.map((length, i) => output[i]! / length),
    promptRate: lengths.map((length, i) => prompt[i]! / length),
    open: lengths.map((_, i) => (running += change[i]!)),
    firstTokens: evenly(records, mostPoints).flatMap((record) => {
      const ms = firstTokenMs(record);
      return ms === undefined ? [] : [[(record.arrivedAt - start) / 1000, ms] as const];
    }),
  };
}

/** The next of 0.1, 0.2, 0.5, 1, 2, 5 ... seconds. */
function roundStep(seconds: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(seconds, 0.1)) + 1e-9);
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= seconds - 1e-9)!;
}

function evenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]!);
}
