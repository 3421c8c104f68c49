import type { Engine, PolicyChoice } from "@kvasir/core";
import { klDivergence, largestAt } from "../compare/divergence.ts";
import { scoredTokens } from "./scored-tokens.ts";

/** A stretch of text: what is read at once, and what is decoded by force from then on. */
export type TextWindow = { readonly prompt: Int32Array; readonly continuation: Int32Array };

/** Means over the tokens of a window that were judged from a cache that had been cut. */
export type WindowSample = {
  /** Nats a token. */
  readonly loss: number;
  /** Of the next-token distribution from that of the full cache, in nats. */
  readonly divergence: number;
  /** Share of tokens before which both caches would have chosen the same one. */
  readonly sameTop: number;
  readonly residentTokens: number;
  readonly kvBytes: number;
};

export type WindowRun = {
  readonly samples: readonly WindowSample[];
  /** [window][token], of those tokens. */
  readonly logits: readonly (readonly Float32Array[])[];
  /** Tokens that were decoded after the last prompt had been read, and how long that took. */
  readonly decoded: number;
  readonly seconds: number;
};

/**
 * Runs windows side by side under a policy. Of every continuation, the first token does not count: the prompt's own
 * step judges it, before anything is evicted.
 *
 * @param reference logits of the full cache for the same windows; left out, these windows are the reference
 */
export async function measureWindows(
  engine: Engine,
  windows: readonly TextWindow[],
  kvCache: (window: number) => PolicyChoice,
  signal: AbortSignal,
  reference?: WindowRun["logits"],
): Promise<WindowRun> {
  const arrivals: number[] = [];
  const firsts: number[] = [];
  const runs = await Promise.all(
    windows.map((window, i) =>
      scoredTokens(engine, { ...window, kvCache: kvCache(i), logits: true, signal }, (index) => {
        (index === 0 ? firsts : arrivals).push(performance.now());
      }),
    ),
  );
  const read = Math.max(...firsts);
  const after = arrivals.filter((time) => time > read);
  const logits = runs.map((tokens) => tokens.slice(1).map((token) => token.logits!));
  const pageBytes = engine.info.kvBytes / engine.info.pages;
  const samples = runs.map((tokens, window) => {
    const judged = tokens.slice(1);
    const mean = (of: (index: number) => number) =>
      judged.reduce((sum, _, i) => sum + of(i), 0) / judged.length;
    const [mine, full] = [logits[window]!, (reference ?? logits)[window]!];
    return {
      loss: mean((i) => -judged[i]!.logprob),
      divergence: mean((i) => (reference ? klDivergence(full[i]!, mine[i]!) : 0)),
      sameTop: mean((i) => Number(largestAt(full[i]!) === largestAt(mine[i]!))),
      residentTokens: mean((i) => judged[i]!.residentTokens),
      kvBytes: mean((i) => judged[i]!.pages * pageBytes),
    };
  });
  const seconds = (Math.max(read, ...arrivals) - read) / 1000;
  return { samples, logits, decoded: after.length, seconds };
}
