import type { FitReport } from "@kvasir/core";
import { formatBytes, formatCount } from "./quantity.ts";

/** The report for people, several lines. */
export function fitText(report: FitReport): string {
  const { bytesPerToken, kvDtype, kvLayers, kvHeads, headDim, policy, context, parallel } = report;
  const each = `${formatCount(bytesPerToken)} bytes per token (${kvDtype}, ${kvLayers} KV layers, ${kvHeads} KV heads of ${headDim})`;
  const rows = [
    ["weights", formatBytes(report.weightBytes)],
    ["KV", `${formatBytes(report.kvBytes)} for ${asked(parallel, context)}, policy ${policy}; ${each}`],
    ["activations", formatBytes(report.activationBytes)],
    ["together", `${formatBytes(report.totalBytes)} of ${formatBytes(report.availableBytes)} that are free`],
    ["", report.fits ? "it fits" : "it does not fit"],
    ["context", `${formatCount(report.largestContext)} tokens at most for ${requests(parallel)}`],
    ["parallel", `${requests(report.largestParallel)} of ${formatCount(context)} tokens at most`],
  ];
  return `${rows.map(([name, value]) => `  ${name!.padEnd(13)}${value}`).join("\n")}\n`;
}

/** The same in one line, for an error about memory. */
export function fitSummary(report: FitReport): string {
  const { weightBytes, kvBytes, activationBytes, totalBytes, availableBytes, parallel, context } = report;
  const parts = `weights ${formatBytes(weightBytes)} + KV ${formatBytes(kvBytes)} for ${asked(parallel, context)} + activations ${formatBytes(activationBytes)}`;
  return (
    `${parts} = ${formatBytes(totalBytes)} of ${formatBytes(availableBytes)} free; ` +
    `at most ${formatCount(report.largestContext)} tokens fit`
  );
}

function asked(parallel: number, context: number): string {
  return `${requests(parallel)} of ${formatCount(context)} tokens`;
}

function requests(count: number): string {
  return `${formatCount(count)} request${count === 1 ? "" : "s"}`;
}
