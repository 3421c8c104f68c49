import type { Encoding } from "./quality-result.ts";

/** Stretches of the text, none of them over another. */
type Windows = { readonly windows: number; readonly tokens: number };

/** How much is measured; the story is enough for all of it. */
export type LckvQualitySizes = {
  /** As long as tiny-lckv was trained on. */
  readonly text: Windows;
  /** As long as both have positions for. */
  readonly positions: Windows;
  /** `tokens` are read as a prompt, and `judged` more are decoded by force. */
  readonly passes: Windows & { readonly judged: number };
  /** Of prompts in parallel; sequential encoding comes on top. */
  readonly encodings: readonly number[];
  readonly passkey: {
    readonly lengths: readonly number[];
    readonly depths: readonly number[];
    /** Prompts of each length and depth. */
    readonly samples: number;
    readonly encodings: readonly number[];
  };
};

export const lckvQualitySizes: LckvQualitySizes = {
  text: { windows: 7, tokens: 506 },
  positions: { windows: 3, tokens: 1008 },
  passes: { windows: 9, tokens: 256, judged: 128 },
  encodings: [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 20],
  passkey: {
    lengths: [256, 512],
    depths: [0.1, 0.3, 0.5, 0.7, 0.9],
    samples: 4,
    encodings: [1, 2, 4, 9],
  },
};

export const encodingName = (encoding: Encoding): string =>
  encoding === "sequential" ? "token by token" : `${encoding} ${encoding === 1 ? "pass" : "passes"}`;
