import type { LoadSettings, Range } from "../load-settings.ts";
import type { LoadReport } from "./load-report.ts";

type Facts = readonly (readonly [name: string, value: string])[];

const rounded = (value: number, digits = 1) => value.toFixed(digits);
const percent = (share: number) => `${rounded(100 * share)} %`;
const span = ({ low, high }: Range) => (low === high ? String(low) : `${low}-${high}`);

/** Under what conditions a report was made, and its totals, in words. */
export function loadFacts(report: LoadReport): Facts {
  const { server, conditions, settings, version, requests, tokens, rates, generator, goodput, check } =
    report;
  const gibibytes = (conditions.memoryBytes / 2 ** 30).toFixed(0);
  const unruly = [
    [requests.cancelled, "cancelled"],
    [requests.refused, "refused as they should be"],
    [requests.failed, "failed"],
    [requests.dropped, "dropped"],
  ] as const;
  const counts = unruly.flatMap(([count, text]) => (count > 0 ? [`, ${count} ${text}`] : []));
  return [
    [
      "server",
      `${server.url}, model ${server.model}${server.version === undefined ? "" : `, version ${JSON.stringify(server.version)}`}`,
    ],
    [
      "machine",
      `${conditions.cpu}, ${conditions.processors} processors, ${gibibytes} GiB; ${conditions.system}; Node.js ${conditions.node}; load before ${rounded(conditions.loadBefore, 2)}; ${conditions.date.slice(0, 10)}; @kvasir/bench ${version}`,
    ],
    [
      "load",
      `${paceText(settings)}; ${limitText(settings)}, after ${requests.warmUp} for warming up; seed ${settings.seed}`,
    ],
    ["requests", workloadText(settings)],
    ["cache", cacheText(report)],
    [
      "result",
      `${requests.completed} of ${requests.sent} requests completed in ${rounded(report.seconds)} s${counts.join("")}`,
    ],
    [
      "throughput",
      `${rounded(rates.requests, 2)} requests/s, ${rounded(rates.prompt)} prompt tok/s, ${rounded(rates.output)} output tok/s`,
    ],
    [
      "tokens",
      `${tokens.prompt} of prompts, ${tokens.output} of output${tokens.countedByEvents > 0 ? `, that of ${tokens.countedByEvents} answers counted by events` : ""}`,
    ],
    ...(goodput
      ? ([
          [
            "goodput",
            `${rounded(goodput.rate, 2)} requests/s, ${percent(goodput.share)} within ${Object.entries(
              goodput.limits,
            )
              .map(([name, limit]) => `${name} ${limit} ms`)
              .join(", ")}`,
          ],
        ] as const)
      : []),
    ...(check
      ? ([
          [
            "check",
            `${check.compared} greedy answers asked for again, alone: ${check.differences.length === 0 ? "all the same" : `${check.differences.length} differ`}`,
          ],
        ] as const)
      : []),
    [
      "generator",
      `its event loop late by ${rounded(generator.loopDelay.p99)} ms (p99), ${rounded(generator.loopDelay.max)} ms (max); requests sent late by ${rounded(generator.sendDelay.p99)} ms (p99), ${rounded(generator.sendDelay.max)} ms (max); ${percent(generator.processor)} of a processor`,
    ],
  ];
}

function paceText({ pace }: LoadSettings): string {
  if (pace.kind === "closed") return `closed loop of ${pace.clients} clients`;
  const { rate, burstiness, maxOpen } = pace;
  const process = burstiness === 1 ? "Poisson" : `gamma with shape ${burstiness}`;
  return `open loop, ${rate} arrivals/s (${process}), at most ${maxOpen} open`;
}

function limitText({ requests, duration }: LoadSettings): string {
  const limits = [
    ...(requests === undefined ? [] : [`${requests} requests`]),
    ...(duration === undefined ? [] : [`${duration} s`]),
  ];
  return limits.join(" or ");
}

function workloadText({ workload, endpoint, stream, greedy, ignoreEos, unruly }: LoadSettings): string {
  const { mix, promptTokens, outputTokens, groups, prefixTokens, suffixTokens, turns, thinkSeconds } =
    workload;
  const prompts = `prompts of ${span(promptTokens)} tokens`;
  const each = {
    random: prompts,
    "shared-prefix": `${groups} prefixes of ${prefixTokens} tokens, then ${span(suffixTokens)}`,
    "multi-turn": `${span(turns)} turns of ${span(promptTokens)} tokens, ${span(thinkSeconds)} s between`,
    file: `the bodies of ${workload.file}`,
  };
  const shares = [
    [unruly.cancel, "cancelled"],
    [unruly.malformed, "malformed"],
    [unruly.oversized, "oversized"],
  ] as const;
  return [
    ...mix.map(({ name, share }) => `${name}${mix.length > 1 ? ` ${share}` : ""} (${each[name]})`),
    `${span(outputTokens)} tokens of output${ignoreEos ? ", whatever comes" : " at most"}`,
    `${endpoint}, ${stream ? "streamed" : "whole answers"}, ${greedy ? "greedy" : "sampled"}`,
    ...shares.flatMap(([share, text]) => (share > 0 ? [`${percent(share)} ${text}`] : [])),
  ].join("; ");
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
