import { spreadOf } from "../../spread.ts";
import type { PartContext } from "../figure.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { KvMemory, pageTokens } from "../kv-memory.ts";
import { identityMap, lckvMap } from "../layer-maps.ts";
import { ModelSet } from "../model-set.ts";
import { inTurns } from "../time-in-turns.ts";
import { type LatencyResult, type Variant, variants } from "./streaming-result.ts";
import { StreamingSequence } from "./streaming-sequence.ts";

export type LatencySizes = {
  readonly caches: readonly number[];
  readonly sinks: number;
  /** Tokens of a turn, of which the median counts: heads take turns to evict, so every token has its share of that. Those before do not count. */
  readonly tokens: number;
  readonly uncounted: number;
  readonly repetitions: number;
};

/** Pages are f16, as an engine's are unless told. */
export const latencyDtype = "f16";

export const variantMap = (layers: number, variant: Variant): string =>
  variant === "standard" ? identityMap(layers) : lckvMap(layers, { w2: 2, w10: 10 }[variant]);

/** Decodes with full caches of some sizes, all models and sizes in turns. */
export async function measureLatency(
  { settings, signal, onProgress }: PartContext,
  { caches, sinks, tokens, uncounted, repetitions }: LatencySizes,
): Promise<LatencyResult> {
  const { shape, device, seed } = settings;
  const measured = variants.map((key) => ({ key, name: key, layerMap: variantMap(shape.layers, key) }));
  using models = await ModelSet.open(measured, {
    shape,
    device,
    seed,
    signal,
    onProgress: (share) => onProgress(share / 4),
  });
  // A page more for each head than the cache, as the window slides by pages, and one on the way.
  const room = Math.max(...caches) + 3 * pageTokens;
  const bytes = room * kvBytesPerToken(shape, identityMap(shape.layers), latencyDtype);
  using kv = new KvMemory({ device, bytes, headDim: shape.headDim, dtype: latencyDtype });
  await kv.fill(models.get("standard"), seed, signal);
  const sides = caches.flatMap((cache) =>
    variants.map((variant) => ({ key: `${variant} ${cache}`, variant, cache })),
  );
  let peaks: Readonly<Record<string, number>> = {};
  const options = { repetitions, signal, onProgress: (share: number) => onProgress(1 / 4 + (share * 3) / 4) };
  const times = await inTurns(sides, options, async ({ key, variant, cache }) => {
    using sequence = new StreamingSequence({ model: models.get(variant), kv, cache, sinks });
    for (let i = 0; i < uncounted; i++) await sequence.decode();
    const ms: number[] = [];
    for (let i = 0; i < tokens; i++) {
      signal.throwIfAborted();
      ms.push(await sequence.decode());
    }
    peaks = { ...peaks, [key]: sequence.peakPages };
    return spreadOf(ms).median;
  });
  return {
    kind: "latency",
    rows: sides.map(({ key, variant, cache }) => ({
      variant,
      cache,
      ms: times.get(key)!,
      kvBytes: peaks[key]! * kv.pages.pageBytes,
      weightBytes: models.get(variant).weightBytes,
    })),
  };
}
