import { textTable } from "../../text-table.ts";
import { latencyNames } from "../load-settings.ts";
import { figure } from "./figure.ts";
import { loadFacts } from "./load-facts.ts";
import type { LoadReport } from "./load-report.ts";

const labels = { ttft: "TTFT", itl: "ITL", tpot: "TPOT", e2e: "end to end" } as const;

/** The columns of the table of latencies. */
export const latencyHeader = ["ms", "mean", "p50", "p90", "p95", "p99", "max", "n"];

/** Its rows: what was measured. */
export function latencyRows({ latencies }: LoadReport): string[][] {
  return latencyNames.flatMap((name) => {
    const found = latencies[name];
    if (!found) return [];
    const { mean, p50, p90, p95, p99, max, n } = found;
    return [[labels[name], ...[mean, p50, p90, p95, p99, max].map(figure), String(n)]];
  });
}

/** The report for a terminal. */
export function loadText(report: LoadReport): string {
  const { errors, check } = report;
  const lines = loadFacts(report).map(([name, value]) => `${name}: ${value}`);
  const failures = errors.map(({ status, code, count }) => [
    String(count),
    status === 0 ? "no answer" : String(status),
    code,
  ]);
  const differences = (check?.differences ?? [])
    .slice(0, 5)
    .flatMap(({ underLoad, alone }) => [
      `differs: under load ${JSON.stringify(underLoad.slice(0, 200))}`,
      `         alone      ${JSON.stringify(alone.slice(0, 200))}`,
    ]);
  return [
    ...lines,
    "",
    textTable(latencyHeader, latencyRows(report)),
    ...(failures.length > 0 ? ["", textTable(["failed", "status", "code"], failures)] : []),
    ...(differences.length > 0 ? ["", ...differences] : []),
    "",
  ].join("\n");
}
