import type { RequestRecord } from "../load/request-record.ts";
import { type LatencyName, latencyNames } from "../load-settings.ts";
import { type Percentiles, percentilesOf } from "./percentiles.ts";

/** From its arrival to the first text, in milliseconds; undefined without a stream. */
export function firstTokenMs({ times, arrivedAt }: RequestRecord): number | undefined {
  return times.length > 0 ? times[0]! - arrivedAt : undefined;
}

/** Milliseconds between events with text; a token that came along with another has 0. */
export function* gapsMs({ times }: RequestRecord): Generator<number> {
  for (let i = 1; i < times.length; i++) yield times[i]! - times[i - 1]!;
}

/** The mean milliseconds for each token after the first. */
export function perTokenMs(record: RequestRecord): number | undefined {
  const { times, outputTokens } = record;
  if (times.length === 0 || outputTokens < 2) return undefined;
  return (times.at(-1)! - times[0]!) / (outputTokens - 1);
}

const samplesOf: Record<LatencyName, (record: RequestRecord) => Iterable<number>> = {
  ttft: (record) => some(firstTokenMs(record)),
  itl: gapsMs,
  tpot: (record) => some(perTokenMs(record)),
  e2e: ({ endedAt, arrivedAt }) => [endedAt - arrivedAt],
};

export type Latencies = Readonly<Partial<Record<LatencyName, Percentiles>>>;

/** Of completed requests. What nothing was measured of is absent. */
export function latenciesOf(completed: readonly RequestRecord[]): Latencies {
  const found = latencyNames.map(
    (name) => [name, percentilesOf(joined(completed, samplesOf[name]))] as const,
  );
  return Object.fromEntries(found.filter(([, percentiles]) => percentiles !== undefined));
}

/** Whether a completed request keeps all limits, in milliseconds; `itl` limits its longest gap. */
export function keepsLimits(
  record: RequestRecord,
  limits: Readonly<Partial<Record<LatencyName, number>>>,
): boolean {
  return latencyNames.every((name) => {
    const limit = limits[name];
    if (limit === undefined) return true;
    for (const sample of samplesOf[name](record)) if (sample > limit) return false;
    return true;
  });
}

const some = (value: number | undefined): Iterable<number> => (value === undefined ? [] : [value]);

function* joined<T>(items: readonly T[], samples: (item: T) => Iterable<number>): Generator<number> {
  for (const item of items) yield* samples(item);
}
