import type { Comparison } from "../../quality/paired.ts";
import { estimateText } from "../l2-norm/show-estimate.ts";
import { listed, shown, times } from "../show-number.ts";
import { publishedSinks } from "./streaming-parts.ts";
import { publishedStreaming, type StreamResult, variantName } from "./streaming-result.ts";
import { compareStreams, driftOf, type LatencyRow, perplexity, streamOf } from "./streaming-rows.ts";

/** Whether condensed streams of a model of so many layers are faster and smaller, beside the paper's 7B model. */
export function latencyFindings(rows: readonly LatencyRow[], layers: number): string[] {
  const { caches, latency } = publishedStreaming;
  const published = caches.map((_, i) => latency.w10[i]! / latency.standard[i]!);
  const span = `${shown(Math.min(...published))} to ${shown(Math.max(...published))}`;
  const findings = (["w10", "w2"] as const).flatMap((variant) => {
    const own = rows.filter((row) => row.variant === variant && row.ratio);
    if (own.length === 0) return [];
    const ratios = own.map(({ cache, ratio }) => `${shown(ratio!.median)} at ${cache}`);
    const faster = own.filter(({ ratio }) => ratio!.high < 1);
    const verdict =
      faster.length === own.length
        ? "faster at every size, in every repetition"
        : faster.length === 0
          ? "not faster in every repetition at any size"
          : `faster in every repetition at ${listed(faster.map(({ cache }) => `${cache}`))} alone`;
    return [
      `${variantName[variant]} takes ${listed(ratios)} of the time of ${variantName.standard}: ${verdict}. ` +
        `Of ${layers} layers ${{ w2: 3, w10: 11 }[variant]} compute keys and values. The paper's 7B model with w = 10, where 11 of 32 do, takes ${span} of the time on its GPU.`,
    ];
  });
  return [...findings, ...memoryFindings(rows)];
}

function memoryFindings(rows: readonly LatencyRow[]): string[] {
  const largest = Math.max(...rows.map(({ cache }) => cache));
  const at = (variant: LatencyRow["variant"]) =>
    rows.find((row) => row.variant === variant && row.cache === largest);
  const standard = at("standard");
  if (!standard) return [];
  const whole = ({ kvBytes, weightBytes }: LatencyRow) => kvBytes + weightBytes;
  return (["w10", "w2"] as const).flatMap((variant) => {
    const row = at(variant);
    if (!row) return [];
    return [
      `At ${largest} tokens the cache of ${variantName[variant]} takes ${times(row.kvBytes / standard.kvBytes)} the bytes of ` +
        `${variantName.standard}'s, and cache and weights together ${times(whole(row) / whole(standard))}.`,
    ];
  });
}

/** What streams do to perplexity, of one model. */
export function streamFindings(model: string, result: StreamResult): string[] {
  const { bucket, full, rows } = result;
  const window = 256;
  const stream = streamOf(result, window, publishedSinks);
  if (!stream) return [];
  const tokens = stream.losses.length * bucket;
  const findings: string[] = [];
  const whole = compareStreams(stream.losses, full.losses, { bucket, from: window });
  const drift = driftOf(stream.losses, full.losses, Math.ceil(window / bucket));
  if (whole && drift) {
    findings.push(
      `${model}, ${tokens} tokens through a cache of ${window} with ${publishedSinks} sinks: perplexity ${ratioText(whole)} times that of a full cache ` +
        `that begins anew every ${full.tokens} tokens, on the same ${full.losses.length * bucket} tokens. ` +
        (drift.verdict === "worse"
          ? `It falls further behind in the second half (${estimateText(drift.difference, 3)} nats), which the papers do not see.`
          : `It does not fall further behind in the second half (${estimateText(drift.difference, 3)} nats): stable, as both papers have it up to 4 million tokens.`),
    );
  }
  const without = streamOf(result, window, 0);
  const sinks = without && compareStreams(without.losses, stream.losses, { bucket, from: window });
  if (sinks) {
    const claim =
      "In the StreamingLLM paper Llama-2-7B has a perplexity of 3,359.95 without sinks and 9.59 with 4";
    findings.push(
      sinks.verdict === "worse"
        ? `${model} without sinks: ${ratioText(sinks)} times the perplexity. ${claim}; ` +
            (sinks.difference.value > Math.log(2)
              ? "the same kind of collapse."
              : "a small model leans on its first tokens far less, so sinks matter less here.")
        : `${model} without sinks is ${sinks.verdict === "better" ? "better" : "no worse as far as this text tells"} (${ratioText(sinks)} times the perplexity), against the StreamingLLM paper. ${claim}: this small model does not lean on its first tokens.`,
    );
  }
  if (rows.length > 0) {
    const sizes = rows
      .filter(({ sinks: kept }) => kept === publishedSinks)
      .toSorted((a, b) => a.cache - b.cache);
    findings.push(
      `${model}, perplexity of all ${tokens} tokens by cache size: ${listed(sizes.map(({ cache, losses }) => `${perplexity(losses).toFixed(1)} at ${cache}`))}.`,
    );
  }
  return findings;
}

/** Which of both models has the lower perplexity in a stream; the paper says the condensed one. */
export function modelFindings(standard: StreamResult, condensed: StreamResult): string[] {
  const verdicts = standard.rows
    .filter(({ sinks }) => sinks === publishedSinks)
    .toSorted((a, b) => a.cache - b.cache)
    .flatMap(({ cache, sinks, losses }) => {
      const other = streamOf(condensed, cache, sinks);
      const comparison =
        other && compareStreams(other.losses, losses, { bucket: standard.bucket, from: cache });
      return comparison ? [{ cache, comparison }] : [];
    });
  if (verdicts.length === 0) return [];
  const claim =
    "In the paper's figure 6 the condensed model has the lower perplexity at 256 to 2,048 tokens (drawing only)";
  const numbers = listed(verdicts.map(({ cache, comparison }) => `${ratioText(comparison)} at ${cache}`));
  const isLower = verdicts.every(({ comparison }) => comparison.verdict === "better");
  const isHigher = verdicts.some(({ comparison }) => comparison.verdict === "worse");
  const verdict = isLower
    ? "lower at every size, as there"
    : isHigher
      ? "higher at some size, unlike there: tiny-lckv was not trained from scratch on as much text, as the paper's model was"
      : "not lower at every size as far as this text tells";
  return [`Perplexity of tiny-lckv in a stream against tiny's: ${numbers} times: ${verdict}. ${claim}.`];
}

function ratioText({ difference: { value, low, high, n } }: Comparison): string {
  return estimateText({ value: Math.exp(value), low: Math.exp(low), high: Math.exp(high), n }, 3);
}
