import type { Engine, PolicyChoice } from "@kvasir/core";
import { largestAt } from "../compare/divergence.ts";
import type { NeedlePrompt } from "./needle-prompt.ts";
import { scoredTokens } from "./scored-tokens.ts";

/**
 * Whether greedy decoding gives every digit of the answer, for each prompt. The answer is decoded by force, and found
 * where each of its tokens is the likeliest after those before it: exactly where greedy decoding writes it.
 */
export function measureNeedles(
  engine: Engine,
  prompts: readonly NeedlePrompt[],
  kvCache: (prompt: number) => PolicyChoice,
  signal: AbortSignal,
): Promise<boolean[]> {
  return Promise.all(
    prompts.map(async ({ prompt, continuation, answerTokens }, i) => {
      const tokens = await scoredTokens(engine, {
        prompt,
        continuation,
        kvCache: kvCache(i),
        logits: true,
        signal,
      });
      return tokens.slice(-answerTokens).every(({ id, logits }) => largestAt(logits!) === id);
    }),
  );
}
