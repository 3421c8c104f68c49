import type { RequestRecord } from "../load/request-record.ts";
import type { LoadSettings } from "../load-settings.ts";
import { keepsLimits, latenciesOf } from "./latencies.ts";
import type { ErrorCount, Goodput, LoadReport, TokenSums } from "./load-report.ts";
import { percentilesOf } from "./percentiles.ts";
import { timeSeriesOf } from "./time-series.ts";

type Summary = Pick<
  LoadReport,
  "seconds" | "requests" | "errors" | "tokens" | "rates" | "latencies" | "goodput" | "series"
> & { readonly sendDelay: { readonly p99: number; readonly max: number } };

/** Reduces the records of a run, which began at `start`; none of them is from the warm-up. */
export function summarise(
  records: readonly RequestRecord[],
  { start, dropped, warmUp }: { readonly start: number; readonly dropped: number; readonly warmUp: number },
  { slo }: Pick<LoadSettings, "slo">,
): Summary {
  const of = (outcome: RequestRecord["outcome"]) => records.filter((record) => record.outcome === outcome);
  const completed = of("completed");
  const failed = of("failed");
  const end = records.reduce((latest, { endedAt }) => Math.max(latest, endedAt), start);
  const seconds = (end - start) / 1000;
  const tokens = tokenSums(records, completed);
  const rate = (count: number) => (seconds > 0 ? count / seconds : 0);
  const due = completed.length + failed.filter(({ behaviour }) => behaviour === "plain").length + dropped;
  const delays = percentilesOf(records.map(({ sentAt, arrivedAt }) => sentAt - arrivedAt));
  return {
    seconds,
    requests: {
      sent: records.length,
      completed: completed.length,
      cancelled: of("cancelled").length,
      refused: of("refused").length,
      failed: failed.length,
      dropped,
      warmUp,
    },
    errors: errorCounts(failed),
    tokens,
    rates: { requests: rate(completed.length), prompt: rate(tokens.prompt), output: rate(tokens.output) },
    latencies: latenciesOf(completed),
    ...(Object.keys(slo).length > 0 && { goodput: goodputOf(completed, due, slo, rate) }),
    series: timeSeriesOf(records, start, end),
    sendDelay: { p99: delays?.p99 ?? 0, max: delays?.max ?? 0 },
  };
}

function goodputOf(
  completed: readonly RequestRecord[],
  due: number,
  limits: LoadSettings["slo"],
  rate: (count: number) => number,
): Goodput {
  const good = completed.filter((record) => keepsLimits(record, limits)).length;
  return { limits, good, share: due > 0 ? good / due : 0, rate: rate(good) };
}

function tokenSums(records: readonly RequestRecord[], completed: readonly RequestRecord[]): TokenSums {
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const counts = completed.flatMap(({ usage }) => (usage ? [usage] : []));
  const reporting = counts.filter(({ cached }) => cached !== undefined);
  const cached = sum(reporting.map((usage) => usage.cached!));
  const ofPrompts = sum(reporting.map(({ prompt }) => prompt));
  return {
    prompt: sum(counts.map(({ prompt }) => prompt)),
    output: sum(records.map(({ outputTokens }) => outputTokens)),
    cached,
    ...(ofPrompts > 0 && { hitRate: cached / ofPrompts }),
    countedByEvents: completed.length - counts.length,
  };
}

/** The most frequent first. */
function errorCounts(failed: readonly RequestRecord[]): ErrorCount[] {
  const counts = new Map<string, ErrorCount>();
  for (const { status, code = "" } of failed) {
    const key = `${status} ${code}`;
    counts.set(key, { status, code, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].toSorted((a, b) => b.count - a.count);
}
