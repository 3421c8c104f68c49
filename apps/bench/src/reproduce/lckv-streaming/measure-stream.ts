import type { Engine } from "@kvasir/core";
import type { TinyModel } from "@kvasir/tiny-models";
import type { PartContext } from "../figure.ts";
import { heldOutIds } from "../held-out-text.ts";
import { forcedWindow, measureLosses } from "../lckv-quality/measure-text.ts";
import { withEngine } from "../with-engine.ts";
import type { StreamResult } from "./streaming-result.ts";

export type StreamSizes = {
  /** Of the text, at most. */
  readonly tokens: number;
  readonly bucket: number;
  /** Caches of sinks and a window. */
  readonly caches: readonly { readonly cache: number; readonly sinks: number }[];
  /** After so many tokens the full cache begins anew; whole buckets, within the model's context. */
  readonly full: number;
};

const meanOfBuckets = (losses: readonly number[], bucket: number): number[] =>
  Array.from({ length: Math.floor(losses.length / bucket) }, (_, i) => {
    const some = losses.slice(i * bucket, (i + 1) * bucket);
    return Math.round((some.reduce((sum, loss) => sum + loss, 0) / bucket) * 1e5) / 1e5;
  });

/** Perplexity of one long text under every cache, decoded by force from the first token on. */
export function measureStream(
  context: PartContext,
  model: TinyModel,
  { tokens, bucket, caches, full }: StreamSizes,
): Promise<StreamResult> {
  return withEngine(context, model, { kvCache: { memory: "96MiB" } }, async (engine, signal) => {
    const text = (await heldOutIds(engine, context.settings, signal)).subarray(0, tokens);
    const windows = Array.from({ length: Math.floor(text.length / full) }, (_, i) =>
      forcedWindow(engine, text.subarray(i * full, (i + 1) * full), 1),
    );
    const [whole, ...streams] = await Promise.all([
      measureLosses(engine, windows, signal),
      ...caches.map(({ cache, sinks }) => streamLosses(context, engine, text, { cache, sinks, signal })),
    ] as const);
    return {
      kind: "stream",
      bucket,
      rows: streams.map((losses, i) => ({ ...caches[i]!, losses: meanOfBuckets(losses, bucket) })),
      full: { tokens: full, losses: whole.flatMap((losses) => meanOfBuckets(losses, bucket)) },
    };
  });
}

async function streamLosses(
  { onProgress }: PartContext,
  engine: Engine,
  text: Int32Array,
  { cache, sinks, signal }: { readonly cache: number; readonly sinks: number; readonly signal: AbortSignal },
): Promise<number[]> {
  const losses: number[] = [];
  const kvCache = { policy: "streaming-llm", budget: cache, sinks };
  for await (const { logprob } of engine.score({ ...forcedWindow(engine, text, 1), kvCache, signal })) {
    losses.push(-logprob);
    if (losses.length % 64 === 0) onProgress(losses.length / text.length);
  }
  return losses;
}
