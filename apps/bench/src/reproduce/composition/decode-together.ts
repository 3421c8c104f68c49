import type { Engine, PolicyChoice } from "@kvasir/core";

/** Of requests that decode side by side. */
export type DecodeRun = {
  /** Of all together, once each has had its first few. */
  readonly tokensPerSecond: number;
  /** All as of the last moment when all ran: pages that they hold, those that they share counted once; tokens seen; slots in use, divided by the number of heads. */
  readonly usedPages: number;
  readonly logicalTokens: number;
  readonly residentTokens: number;
};

/** Tokens of each request before the clock runs: by then prompts are read and compressed. */
const settling = 4;

/**
 * Decodes greedily after all prompts at once. Throws `RangeError` where some are done before all have begun.
 * @param tokens of each request; enough to go on while the last prompt is still being read
 */
export async function decodeTogether(
  engine: Engine,
  prompts: readonly Int32Array[],
  {
    tokens,
    kvCache,
    signal,
  }: { readonly tokens: number; readonly kvCache: PolicyChoice; readonly signal: AbortSignal },
): Promise<DecodeRun> {
  const counts = prompts.map(() => 0);
  let ended = false;
  let least = 0;
  const marks: { readonly at: number; readonly tokens: number }[] = [];
  let stats = engine.stats();
  await Promise.all(
    prompts.map(async (prompt, i) => {
      const request = { prompt, maxTokens: tokens, temperature: 0, ignoreEos: true, kvCache, signal };
      for await (const { ids, finishReason } of engine.generate(request)) {
        counts[i]! += ids.length;
        ended ||= finishReason !== undefined;
        const slowest = Math.min(...counts);
        if (ended || slowest === least) continue;
        least = slowest;
        if (least < settling) continue;
        marks.push({ at: performance.now(), tokens: counts.reduce((sum, count) => sum + count, 0) });
        stats = engine.stats();
      }
    }),
  );
  const [first, last] = [marks[0], marks.at(-1)];
  if (!first || !last || first === last) {
    throw new RangeError(
      `tokens: expected more for ${prompts.length} requests to decode together, received ${tokens}`,
    );
  }
  return {
    tokensPerSecond: ((last.tokens - first.tokens) / (last.at - first.at)) * 1000,
    usedPages: stats.usedPages,
    logicalTokens: stats.logicalTokens,
    residentTokens: stats.residentTokens,
  };
}
