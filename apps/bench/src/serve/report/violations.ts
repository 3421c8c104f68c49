import type { RequestRecord } from "../load/request-record.ts";
import type { CheckResult } from "./load-report.ts";

/**
 * What a sound server never does, in words. To be turned away with a 4xx or 503 is an answer, and so no violation;
 * that nothing was completed is one.
 */
export function violationsOf(
  records: readonly RequestRecord[],
  check: CheckResult | undefined,
): readonly string[] {
  const failed = records.filter(({ outcome }) => outcome === "failed");
  const unruly = failed.filter(({ behaviour }) => behaviour === "malformed" || behaviour === "oversized");
  const broken = failed.filter((record) => !unruly.includes(record) && isBroken(record));
  const different = check?.differences.length ?? 0;
  const found: readonly (readonly [number, string])[] = [
    [unruly.length, "malformed or oversized requests were not refused with 4xx"],
    [broken.length, "requests broke off, timed out or met a failure of the server"],
    [different, `of ${check?.compared} greedy answers differ from those given alone`],
  ];
  const texts = found.flatMap(([count, text]) => (count > 0 ? [`${count} ${text}`] : []));
  const none = !records.some(({ outcome }) => outcome === "completed");
  if (check?.compared === 0) texts.push("no greedy answer was there to be compared");
  if (none) texts.push("no request was completed");
  return texts;
}

function isBroken({ status }: RequestRecord): boolean {
  return status < 300 || (status >= 500 && status !== 503);
}
