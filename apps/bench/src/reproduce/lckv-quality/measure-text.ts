import type { Engine } from "@kvasir/core";
import { startIds } from "../../quality/prompt-text.ts";
import { scoredTokens } from "../../quality/scored-tokens.ts";

/** What the start and so many tokens of a window are read as at once, and what is then decoded by force. */
export type ForcedWindow = { readonly prompt: Int32Array; readonly continuation: Int32Array };

/** A window behind the ids that the vocabulary begins a text with. @param read of all those tokens, at least the start */
export function forcedWindow(engine: Engine, window: Int32Array, read: number): ForcedWindow {
  const all = Int32Array.from([...startIds(engine), ...window]);
  return { prompt: all.subarray(0, read), continuation: all.subarray(read) };
}

/** Nats of every token of the continuations, which run side by side: [windows][tokens], rounded to 5 digits. */
export function measureLosses(
  engine: Engine,
  windows: readonly ForcedWindow[],
  signal: AbortSignal,
): Promise<number[][]> {
  return Promise.all(
    windows.map(async (window) => {
      const tokens = await scoredTokens(engine, { ...window, signal });
      return tokens.map(({ logprob }) => Math.round(-logprob * 1e5) / 1e5);
    }),
  );
}
