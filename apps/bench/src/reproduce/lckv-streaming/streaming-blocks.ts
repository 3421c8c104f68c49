import type { Block, Series } from "../figure.ts";
import { shown, shownBytes, shownSpread, times } from "../show-number.ts";
import { publishedStreaming, type StreamResult, variantName, variants } from "./streaming-result.ts";
import { type LatencyRow, perplexity } from "./streaming-rows.ts";

const { caches, latency, memory } = publishedStreaming;

export function latencyBlocks(rows: readonly LatencyRow[]): Block[] {
  if (rows.length === 0) return [];
  const points = (of: (row: LatencyRow) => number | undefined, variant: LatencyRow["variant"]) =>
    rows
      .filter((row) => row.variant === variant)
      .flatMap((row) => {
        const y = of(row);
        return y === undefined ? [] : [{ x: row.cache, y }];
      });
  const ratios: Series[] = (["w2", "w10"] as const).map((variant) => ({
    name: `${variantName[variant]}, here`,
    kind: "measured",
    points: points(({ ratio }) => ratio?.median, variant),
  }));
  return [
    {
      kind: "lines",
      caption: "Latency a token by cache size, one sequence",
      x: { label: "tokens in the cache", scale: "log" },
      y: { label: "ms / token", scale: "linear" },
      series: variants.map((variant) => ({
        name: variantName[variant],
        kind: "measured",
        points: points(({ ms }) => ms.median, variant),
      })),
    },
    {
      kind: "lines",
      caption: "Latency against StreamingLLM alone",
      x: { label: "tokens in the cache", scale: "log" },
      y: { label: "latency / that of StreamingLLM", scale: "linear" },
      series: [
        ...ratios,
        {
          name: "paper: 7B, w = 10",
          kind: "published",
          points: caches.map((x, i) => ({ x, y: latency.w10[i]! / latency.standard[i]! })),
        },
      ],
    },
    {
      kind: "table",
      caption: "Latency and memory by cache size: the median of repetitions (lowest-highest)",
      columns: ["cache", "model", "ms / token", "x StreamingLLM", "KV pages", "weights and pages"],
      rows: rows.map(({ cache, variant, ms, ratio, kvBytes, weightBytes }) => [
        `${cache}`,
        variantName[variant],
        shownSpread(ms, shown),
        ratio && shownSpread(ratio, times),
        shownBytes(kvBytes),
        shownBytes(kvBytes + weightBytes),
      ]),
    },
    publishedTable(),
  ];
}

function publishedTable(): Block {
  return {
    kind: "table",
    caption:
      "The paper's figure 5, w = 10. At 2,048 and 4,096 which latency of 7B is whose, and 18.16 and 21.42 GiB, were read from the drawing",
    columns: ["cache", "7B: ms / token", "with LCKV", "7B: GiB", "with LCKV", "1.1B: GiB", "with LCKV"],
    rows: caches.map((cache, i) => [
      `${cache}`,
      `${latency.standard[i]}`,
      `${latency.w10[i]}`,
      `${memory["7B"].standard[i]}`,
      `${memory["7B"].w10[i]}`,
      `${memory["1.1B"].standard[i]}`,
      `${memory["1.1B"].w10[i]}`,
    ]),
  };
}

type ModelStream = { readonly model: string; readonly result: StreamResult };

/** Buckets that a point of the chart is the mean of: single ones say more of the text than of the cache. */
const smoothed = 4;

export function streamBlocks(streams: readonly ModelStream[]): Block[] {
  if (streams.length === 0) return [];
  const cacheName = (cache: number, sinks: number) => `${sinks} + ${cache - sinks}`;
  const points = (losses: readonly number[], bucket: number) =>
    Array.from({ length: Math.floor(losses.length / smoothed) }, (_, i) => ({
      x: (i + 0.5) * smoothed * bucket,
      y: perplexity(losses.slice(i * smoothed, (i + 1) * smoothed)),
    }));
  return [
    ...streams.map(
      ({ model, result: { bucket, rows, full } }): Block => ({
        kind: "lines",
        caption: `${model}: perplexity by position in a long text, over ${smoothed * bucket} tokens each (as figure 7)`,
        x: { label: "position", scale: "linear" },
        y: { label: "perplexity", scale: "log" },
        series: [
          ...rows
            .filter(({ cache }) => cache === 256)
            .map(
              ({ cache, sinks, losses }): Series => ({
                name: `sinks and window: ${cacheName(cache, sinks)}`,
                kind: "measured",
                points: points(losses, bucket),
              }),
            ),
          {
            name: `full cache, anew every ${full.tokens}`,
            kind: "measured",
            points: points(full.losses, bucket),
          },
        ],
      }),
    ),
    {
      kind: "table",
      caption: "Perplexity of the whole text by sinks and window (as figure 6)",
      columns: ["sinks + window", ...streams.map(({ model }) => model)],
      rows: streams[0]!.result.rows.map(({ cache, sinks }) => [
        cacheName(cache, sinks),
        ...streams.map(({ result }) => {
          const row = result.rows.find((one) => one.cache === cache && one.sinks === sinks);
          return row && perplexity(row.losses).toFixed(2);
        }),
      ]),
    },
  ];
}
