import { machineLine } from "../../machine-line.ts";
import { loadLine, requestLine, serverLine } from "./condition-lines.ts";
import type { LoadReport } from "./load-report.ts";

/** A name and what is to be said under it. */
export type Fact = readonly [name: string, value: string];

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Under what conditions a report was made, and its totals, in words. */
export function loadFacts(report: LoadReport): readonly Fact[] {
  return [
    ["server", serverLine(report.server)],
    ["machine", machineLine(report)],
    ["load", loadLine(report.settings)],
    ["requests", requestLine(report.settings)],
    ["cache", cacheText(report)],
    ["result", resultText(report)],
    ["throughput", throughputText(report)],
    ["tokens", tokensText(report)],
    ...optional("goodput", goodputText(report)),
    ...optional("check", checkText(report)),
    ["generator", generatorText(report)],
  ];
}

function optional(name: string, value: string | undefined): Fact[] {
  return value === undefined ? [] : [[name, value]];
}

function resultText({ requests, seconds }: LoadReport): string {
  const others = [
    [requests.cancelled, "cancelled"],
    [requests.refused, "refused as they should be"],
    [requests.failed, "failed"],
    [requests.dropped, "dropped"],
  ] as const;
  const counts = others.flatMap(([count, text]) => (count > 0 ? [`, ${count} ${text}`] : []));
  return `${requests.completed} of ${requests.sent} requests completed in ${seconds.toFixed(1)} s${counts.join("")}`;
}

function throughputText({ rates }: LoadReport): string {
  return `${rates.requests.toFixed(2)} requests/s, ${rates.prompt.toFixed(1)} prompt tok/s, ${rates.output.toFixed(1)} output tok/s`;
}

function tokensText({ tokens }: LoadReport): string {
  const byEvents =
    tokens.countedByEvents > 0 ? `, that of ${tokens.countedByEvents} answers counted by events` : "";
  return `${tokens.prompt} of prompts, ${tokens.output} of output${byEvents}`;
}

function goodputText({ goodput }: LoadReport): string | undefined {
  if (!goodput) return undefined;
  const limits = Object.entries(goodput.limits).map(([name, limit]) => `${name} ${limit} ms`);
  return `${goodput.rate.toFixed(2)} requests/s, ${percent(goodput.share)} within ${limits.join(", ")}`;
}

function checkText({ check }: LoadReport): string | undefined {
  if (!check) return undefined;
  const { compared, differences } = check;
  const found = differences.length === 0 ? "all the same" : `${differences.length} differ`;
  return `${compared} greedy answers asked for again, alone: ${found}`;
}

function generatorText({ generator }: LoadReport): string {
  const { loopDelay, sendDelay, processor } = generator;
  const late = ({ p99, max }: typeof loopDelay) =>
    `late by ${p99.toFixed(1)} ms (p99), ${max.toFixed(1)} ms (max)`;
  return `its event loop ${late(loopDelay)}; requests sent ${late(sendDelay)}; ${percent(processor)} of a processor`;
}

function cacheText({ cache, tokens }: LoadReport): string {
  const salts = {
    cache_salt: "cache_salt, new in this run",
    text: "a word or ids of this run in front of each prompt",
    none: "no salt: prefixes of earlier runs may be cached",
  };
  const hits =
    tokens.hitRate === undefined
      ? "not reported by the server"
      : `${percent(tokens.hitRate)} of prompt tokens (${tokens.cached})`;
  const claim = cache.claim === "salted" ? "" : `${cache.claim}; `;
  return `${claim}hits ${hits}; ${salts[cache.salt]}`;
}
