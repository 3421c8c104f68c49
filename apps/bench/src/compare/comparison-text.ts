import type { Spread } from "../spread.ts";
import { markdownTable, textTable } from "../text-table.ts";
import type { Comparison, ComparisonRow } from "./comparison.ts";

const header = (peer: string) => ["", "kvasir", peer, "ratio"];

/** Three figures, and a whole number as it is. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function spreadText({ median, low, high }: Spread, unit: string): string {
  return `${figure(median)}${unit} (${figure(low)}-${figure(high)})`;
}

function cells({ label, unit, ours, peer, ratio }: ComparisonRow): string[] {
  return [label, spreadText(ours, ` ${unit}`), spreadText(peer, ` ${unit}`), spreadText(ratio, "x")];
}

function lines(comparison: Comparison): string[] {
  const { model, threads, repetitions, conditions, ours, peer, agreement } = comparison;
  const mebibytes = (model.bytes / 2 ** 20).toFixed(0);
  const gibibytes = (conditions.memoryBytes / 2 ** 30).toFixed(0);
  return [
    `${model.name}, ${model.weights}, ${mebibytes} MiB; ${threads} threads; median of ${repetitions} repetitions in turns (lowest-highest); a ratio above 1 is in Kvasir's favour`,
    `${conditions.cpu}, ${conditions.processors} processors, ${gibibytes} GiB; ${conditions.system}; Node.js ${conditions.node}; load ${conditions.loadBefore.toFixed(2)}; ${conditions.date.slice(0, 10)}`,
    ...[ours, peer].map(({ name, version, settings }) => `${name} ${version}: ${settings}`),
    `same next-token distributions: KL divergence ${agreement.largestKl.toExponential(1)} nats at most, ${agreement.meanKl.toExponential(1)} on average, over ${agreement.places} places (allowed: ${agreement.maxKl})`,
  ];
}

/** A comparison for a terminal. */
export function comparisonText(comparison: Comparison): string {
  const table = textTable(header(comparison.peer.name), comparison.rows.map(cells));
  return `${lines(comparison).join("\n")}\n\n${table}\n`;
}

/** The same as Markdown, for documents. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { peer, rows } = comparison;
  const table = markdownTable(header(peer.name), rows.map(cells));
  return `${lines(comparison)
    .map((line) => `- ${line}`)
    .join("\n")}\n\n${table}\n`;
}
