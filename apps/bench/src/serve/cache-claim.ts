import type { RequestRecord } from "./load/request-record.ts";
import type { LoadSettings } from "./load-settings.ts";

/** A run is not what it was to be called, so that nothing is reported. */
export class CacheClaimError extends Error {
  override readonly name = "CacheClaimError";
  readonly code = "cache-claim";
}

/** Throws `CacheClaimError` where the answers' `cached_tokens` contradict what the run is called. */
export function checkCacheClaim(claim: LoadSettings["cache"], records: readonly RequestRecord[]): void {
  if (claim === "salted") return;
  const reports = records.flatMap(({ usage }) => (usage?.cached === undefined ? [] : [usage]));
  if (reports.length === 0) {
    throw new CacheClaimError(
      `this run can not be called ${claim}: no answer has usage.prompt_tokens_details.cached_tokens`,
    );
  }
  const hits = reports.filter(({ cached }) => cached! > 0);
  const tokens = hits.reduce((sum, { cached }) => sum + cached!, 0);
  if (claim === "cold" && hits.length > 0) {
    throw new CacheClaimError(
      `this run is not cold: ${hits.length} of ${reports.length} answers took ${tokens} prompt tokens from a cache. Workloads that share prefixes never are; without --cold the hit rate is reported.`,
    );
  }
  if (claim === "warm" && hits.length === 0) {
    throw new CacheClaimError(
      `this run is not warm: none of ${reports.length} answers took a prompt token from a cache`,
    );
  }
}
