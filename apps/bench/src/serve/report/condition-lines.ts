import type { LoadSettings, Range } from "../load-settings.ts";
import type { ServerIdentity } from "../server-identity.ts";

const span = ({ low, high }: Range) => (low === high ? String(low) : `${low}-${high}`);

/** Which server was measured. */
export function serverLine({ url, model, version }: ServerIdentity): string {
  return `${url}, model ${model}${version === undefined ? "" : `, version ${JSON.stringify(version)}`}`;
}

/** How many requests came, and when. */
export function loadLine(settings: LoadSettings): string {
  const { warmUp, cache, seed } = settings;
  const before =
    cache === "warm" ? "as much before that does not count" : `${warmUp} requests before that do not count`;
  return `${paceText(settings)}; ${limitText(settings)}; ${before}; seed ${seed}`;
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

/** What is asked, and how. */
export function requestLine({ workload, endpoint, stream, greedy, ignoreEos, unruly }: LoadSettings): string {
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
    ...shares.flatMap(([share, text]) => (share > 0 ? [`${(100 * share).toFixed(1)} % ${text}`] : [])),
  ].join("; ");
}
