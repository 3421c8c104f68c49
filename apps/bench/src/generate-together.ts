import type { Engine } from "@kvasir/core";

/** How long requests took that ran together. */
export type Timing = {
  /** Milliseconds until every request had its first token, and from then until all had their last. */
  readonly firstMs: number;
  readonly restMs: number;
  /** Tokens of all that came in `restMs`: those who begin early have some before the last prompt is read. */
  readonly restTokens: number;
};

/**
 * Generates greedily, as many tokens after each prompt, all at once.
 * @param generate tokens after each prompt, 1 or more
 */
export async function generateTogether(
  engine: Engine,
  prompts: readonly Int32Array[],
  generate: number,
): Promise<Timing> {
  const start = performance.now();
  let first = start;
  let waiting = prompts.length;
  let restTokens = 0;
  await Promise.all(
    prompts.map(async (prompt) => {
      let begun = false;
      const request = { prompt, maxTokens: generate, temperature: 0, ignoreEos: true };
      for await (const { ids } of engine.generate(request)) {
        if (waiting === 0) restTokens += ids.length;
        if (begun || ids.length === 0) continue;
        begun = true;
        waiting -= 1;
        first = performance.now();
      }
    }),
  );
  return { firstMs: first - start, restMs: performance.now() - first, restTokens };
}
