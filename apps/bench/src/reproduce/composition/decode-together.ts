import type { Engine, PolicyChoice } from "@kvasir/core";

/** Of requests that decode side by side. */
export type DecodeRun = {
  /** Of all together, once each has had its first few. */
  readonly tokensPerSecond: number;
  /** All as of the moment when the last of them had all its tokens: pages that they hold, those that they share counted once; tokens seen; slots in use, divided by the number of heads. */
  readonly usedPages: number;
  readonly logicalTokens: number;
  readonly residentTokens: number;
};

/** Tokens of each request before the clock runs: by then prompts are read and compressed. */
const settling = 4;

/**
 * Decodes greedily after all prompts at once, for as long as it takes each request to get so many tokens after its
 * first few. Throws `RangeError` where one comes to the end of its context before.
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
  const mark = () => ({ at: performance.now(), tokens: counts.reduce((sum, count) => sum + count, 0) });
  let first: ReturnType<typeof mark> | undefined;
  let run: DecodeRun | undefined;
  let over = false;
  const decode = async (prompt: Int32Array, i: number) => {
    const request = { prompt, temperature: 0, ignoreEos: true, kvCache, signal };
    for await (const { ids } of engine.generate(request)) {
      if (over) return;
      counts[i]! += ids.length;
      const slowest = Math.min(...counts);
      if (slowest >= settling) first ??= mark();
      if (!first || slowest < settling + tokens) continue;
      const last = mark();
      const { usedPages, logicalTokens, residentTokens } = engine.stats();
      const tokensPerSecond = ((last.tokens - first.tokens) / (last.at - first.at)) * 1000;
      run = { tokensPerSecond, usedPages, logicalTokens, residentTokens };
      break;
    }
    over = true;
  };
  await Promise.all(prompts.map(decode));
  if (run) return run;
  throw new RangeError(
    `tokens: expected so few that a context of ${engine.info.maxPositions} holds them after a prompt, with those that ` +
      `come until the last of ${prompts.length} prompts is read, received ${tokens}`,
  );
}
