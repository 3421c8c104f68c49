import type { Part, PartContext, ReproduceSettings } from "../figure.ts";
import { heldOutName } from "../held-out-text.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { identityMap } from "../layer-maps.ts";
import { type LatencySizes, latencyDtype, measureLatency } from "./measure-latency.ts";
import { measureStream, type StreamSizes } from "./measure-stream.ts";
import { type LckvStreamingResult, variants } from "./streaming-result.ts";

/** How much is measured. */
export type StreamingSizes = {
  /** Sets of cache sizes, the most telling first: one part each. */
  readonly caches: readonly (readonly number[])[];
  readonly latency: Omit<LatencySizes, "caches">;
  readonly stream: StreamSizes;
};

/** Sinks of the paper, and of this figure. */
export const publishedSinks = 4;

export const streamingSizes: StreamingSizes = {
  caches: [
    [256, 1024, 4096],
    [512, 2048],
  ],
  latency: { sinks: publishedSinks, tokens: 32, uncounted: 4, repetitions: 3 },
  stream: {
    tokens: 8192,
    bucket: 64,
    caches: [
      { cache: 256, sinks: publishedSinks },
      { cache: 256, sinks: 0 },
      { cache: 64, sinks: publishedSinks },
      { cache: 128, sinks: publishedSinks },
      { cache: 512, sinks: publishedSinks },
    ],
    full: 960,
  },
};

/** Bytes a second of two cores that decode, and random weights a second that they draw. */
const decodedBytes = 1e10;
const drawnWeights = 4e7;

export function streamingParts(settings: ReproduceSettings, sizes: StreamingSizes = streamingSizes) {
  const { latency, stream } = sizes;
  const streamKey = [
    `at most ${stream.tokens} tokens of ${heldOutName(settings)}`,
    `caches ${stream.caches.map(({ cache, sinks }) => `${sinks}+${cache - sinks}`)}`,
    `anew after ${stream.full}`,
    `buckets of ${stream.bucket}`,
  ].join(", ");
  const models = (["tiny", "tiny-lckv"] as const).map((model) => ({
    model,
    part: {
      key: `loss of ${model}, ${streamKey}`,
      label: `perplexity of a long text: ${model}`,
      seconds: 40,
      rank: 0,
      measure: (context: PartContext) => measureStream(context, model, stream),
    },
  }));
  const latencies = sizes.caches.map((caches, i) => ({
    key: `latency at caches of ${caches}, ${latency.sinks} sinks, ${latencyDtype}, ${latency.repetitions} medians of ${latency.tokens} tokens`,
    label: `latency of streams with caches of ${caches.join(", ")}`,
    seconds: latencySeconds(settings, caches, latency),
    rank: Math.min(i, 1),
    measure: (context: PartContext) => measureLatency(context, { ...latency, caches }),
  }));
  return { models, latencies };
}

/** The same in one list. */
export function partList({
  models,
  latencies,
}: ReturnType<typeof streamingParts>): Part<LckvStreamingResult>[] {
  return [...latencies, ...models.map(({ part }) => part)];
}

function latencySeconds(
  { shape }: ReproduceSettings,
  caches: readonly number[],
  { tokens, uncounted, repetitions }: StreamingSizes["latency"],
): number {
  const { layers, hidden, intermediate, heads, headDim, vocab } = shape;
  const read = layers * (4 * hidden * heads * headDim + 3 * hidden * intermediate) + vocab * hidden;
  const drawn = (variants.length * (read + vocab * hidden)) / drawnWeights;
  const perToken = kvBytesPerToken(shape, identityMap(layers), latencyDtype);
  const bytes = caches.reduce((sum, cache) => sum + 2 * read + cache * perToken, 0);
  return Math.ceil(2 + drawn + (variants.length * repetitions * (tokens + uncounted) * bytes) / decodedBytes);
}
