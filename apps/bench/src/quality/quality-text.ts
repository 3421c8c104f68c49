import { textTable } from "../text-table.ts";
import { protectionName } from "./configuration.ts";
import type { Estimate } from "./estimate.ts";
import type { Verdict } from "./paired.ts";
import type { QualityReport, QualityRow } from "./quality-report.ts";

const marks: Record<Verdict, string> = { better: "+", "no different": "=", worse: "-" };

const share = ({ value, low, high }: Estimate) =>
  `${(100 * value).toFixed(0)} [${(100 * low).toFixed(0)}, ${(100 * high).toFixed(0)}]`;
const number = (digits: number, { value, low, high }: Estimate) =>
  `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;

/** Signs against `random`: divergence, passkey, multi-key. */
function signs({ policy, againstRandom: against }: QualityRow): string {
  if (!against) return policy === "random" ? "(is random)" : "";
  return [against.divergence, against.passkey, against["multi-key"]]
    .map(({ verdict }) => marks[verdict])
    .join(" ");
}

/** The report for a terminal. */
export function qualityText(report: QualityReport): string {
  const { model, text, n, rows, conditions } = report;
  const header = [
    ...["policy", "budget", "protected", "perplexity", "KL, nats", "same top, %"],
    ...["passkey, %", "multi-key, %", "tokens", "KV KiB", "freed, %", "tok/s", "vs random"],
  ];
  const full = rows[0]!.kvBytes;
  const cells = rows.map((row) => [
    row.policy,
    String(row.budget),
    protectionName(row.protectLayers),
    number(1, row.perplexity),
    number(3, row.divergence),
    share(row.sameTop),
    share(row.needles.passkey),
    share(row.needles["multi-key"]),
    row.residentTokens.toFixed(0),
    (row.kvBytes / 1024).toFixed(0),
    ((100 * row.freedBytes) / full).toFixed(0),
    row.tokensPerSecond.toFixed(0),
    signs(row),
  ]);
  return [
    `${model.model} on ${model.device}, ${model.kvDtype} pages, ${conditions.cpu}; ${report.seconds.toFixed(0)} s`,
    `text: ${text.source}`,
    `n: ${n.windows} windows with ${n.tokens} judged tokens, ${n.passkey} passkey and ${n["multi-key"]} multi-key prompts; [95 % intervals]`,
    "",
    textTable(header, cells),
    "",
    "vs random: KL, passkey, multi-key against random at the same budget and protection, on the same windows and",
    "prompts: + better, = no different, - worse (the 95 % interval of the difference leaves out 0, or does not).",
    `Of ${rows.length} rows with three signs each, some would differ by chance: about 1 in 20.`,
    "",
  ].join("\n");
}
