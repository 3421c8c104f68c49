import { protectionName } from "../quality/configuration.ts";
import type { Estimate } from "../quality/estimate.ts";
import { textTable } from "../text-table.ts";
import { shellWords } from "./kv-flags.ts";
import type { TunePoint, TuneReport } from "./tune-report.ts";

const interval = (digits: number, divisor: number, { value, low, high }: Estimate): string => {
  const [mean, from, to] = [value, low, high].map((number) => (number / divisor).toFixed(digits));
  return `${mean} [${from}, ${to}]`;
};
const kib = (bytes: number): string => (bytes / 1024).toFixed(1);

/** The report for a terminal. */
export function tuneText(report: TuneReport): string {
  const { model, text, n, settings, limits, full, frontier, nearest, rises, conditions } = report;
  const share = (bytes: number) => ((100 * bytes) / full.kvBytes.value).toFixed(0);
  const found = frontier.length > 0;
  return [
    `${model.model} on ${model.device}, ${model.kvDtype} pages, ${conditions.cpu}; ${report.seconds.toFixed(0)} s`,
    `text: ${text.source}`,
    `limits: ${kib(limits.kvBytes)} KiB of pages (${share(limits.kvBytes)} % of the full cache's ${kib(full.kvBytes.value)}), mean KL ${limits.divergence} nats`,
    `memory: of one request, mean while it decodes ${settings.tokens} tokens after a prompt of ${settings.prompt}; until a`,
    "prompt is read and cut, it takes more: at most what the full cache takes",
    `n: ${n.candidates} policies with protected layers, ${n.runs} windows run; judged on ${n.windows} others with ${n.tokens} tokens`,
    "",
    found
      ? "Within both limits, and beaten by none in memory and KL [95 % intervals, whose upper ends count]:"
      : "Nothing that was tried is within both limits. The nearest, one limit kept each [95 % intervals]:",
    "",
    table(found ? frontier : nearest, share),
    "",
    "Flags for kvasir-server, in the same order:",
    ...(found ? frontier : nearest).map(({ flags }) => `  ${shellWords(flags)}`),
    "",
    ...rises.map(
      ({ policy, protectLayers, fromBudget, toBudget }) =>
        `${policy}, protected ${protectionName(protectLayers)}: KL is higher at ${toBudget} than at ${fromBudget}, so a smaller budget that would do may have been missed.`,
    ),
    `The best of ${report.judged.length} judged points look better than they are: confirm a choice with another --seed or your own --text.`,
    "",
  ].join("\n");
}

function table(points: readonly TunePoint[], share: (bytes: number) => string): string {
  return textTable(
    ["policy", "budget", "protected", "KV KiB", "of full, %", "KL, nats"],
    points.map(({ policy, budget, protectLayers, kvBytes, divergence }) => [
      policy,
      String(budget),
      protectionName(protectLayers),
      interval(1, 1024, kvBytes),
      share(kvBytes.value),
      interval(4, 1, divergence),
    ]),
  );
}
