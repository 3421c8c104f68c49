import { definePolicy } from "./definition.ts";
import { SIGNALS } from "./signals.ts";

/** A model and policies to combine in tests. */
export const environment = { layers: 4, heads: 2, pageTokens: 4, signals: SIGNALS };
export const free = { sinks: 0, recent: 0, minTokens: 0, protectLayers: [] };

/** Scores of one window of queries. */
export const recentAttention = definePolicy({
  name: "recent-attention",
  signals: ["attentionRecent"],
  defaults: { budget: 0.5, recent: 16, decode: false },
  parameters: {
    window: { type: "integer", default: 16, minimum: 1, maximum: 64, description: "queries" },
  },
  attention: ({ window }) => ({ window }),
  score: ({ attentionRecent }) => attentionRecent,
});

/** Scores of all queries. */
export const summedAttention = definePolicy({
  name: "summed-attention",
  signals: ["attentionSum"],
  defaults: { budget: 0.25, recent: 8, sinks: 1 },
  parameters: {
    window: { type: "integer", default: 8, minimum: 1, maximum: 32, description: "slots" },
  },
  attention: () => ({ reduce: "max" }),
  score: ({ attentionSum }) => attentionSum,
});

/** One choice for all heads of a layer. */
export const layerAttention = definePolicy({
  name: "layer-attention",
  signals: ["attentionLast"],
  attention: () => ({ over: "layer" }),
  score: ({ attentionLast }) => attentionLast,
});

/** Lower layers get more. */
export const pyramid = definePolicy({
  name: "pyramid",
  signals: ["keyNorm"],
  sharesBy: "layer",
  score: ({ keyNorm }) => keyNorm.map((norm) => -norm),
  allocate: ({ layers, heads }) =>
    Float32Array.from({ length: layers * heads }, (_, i) => layers - Math.floor(i / heads)),
});

/** Keeps the guarded slots only. */
export const guardsOnly = definePolicy({
  name: "guards-only",
  signals: [],
  sizesItself: true,
  select: ({ resident, pageTokens, options: { sinks, recent, minTokens } }) => {
    const least = Math.max(sinks + Math.max(recent, 1), minTokens, pageTokens);
    return Int32Array.from({ length: least }, (_, i) => (i < sinks ? i : resident - least + i));
  },
});
