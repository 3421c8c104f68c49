import { identityMap, lckvMap } from "../layer-maps.ts";
import type { MeasuredModel } from "../model-set.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";

/** A model of the figure: the standard one, or LCKV with so many warm-up layers. */
export type LckvModel = MeasuredModel & { readonly warmup: number | undefined };

/** Key of the standard model. */
export const standardKey = "llama";

/** Warm-up layers of the paper's two models. */
const publishedWarmups = [2, 10];

/**
 * The paper's three models. A shape of few layers gets one more, as 10 warm-up layers leave it almost nothing to
 * share: with 4 of 12, a share of KV layers like the paper's (11 of 22 to 32).
 */
export function lckvModels(shape: ReproduceShape): readonly LckvModel[] {
  const { layers } = shape;
  const warmups = layers < 22 ? [...publishedWarmups, 4] : publishedWarmups;
  const condensed = warmups
    .filter((warmup) => warmup < layers)
    .sort((a, b) => a - b)
    .map((warmup) => ({
      key: warmupKey(warmup),
      name: `LCKV, w = ${warmup}`,
      warmup,
      layerMap: lckvMap(layers, warmup),
    }));
  return [
    { key: standardKey, name: "Llama", warmup: undefined, layerMap: identityMap(layers) },
    ...condensed,
  ];
}

export function warmupKey(warmup: number): string {
  return `w${warmup}`;
}
