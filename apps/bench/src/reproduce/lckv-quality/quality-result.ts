/** Nats of every token after the first of each window, decoded one by one: [windows][tokens]. */
export type TextResult = {
  readonly kind: "text";
  readonly standard: readonly (readonly number[])[];
  readonly condensed: readonly (readonly number[])[];
};

/** How a prompt was encoded: with so many passes in parallel, or one token at a time. */
export type Encoding = number | "sequential";

/** Mean nats of a token behind the prompt, by encoding of the prompt: [windows]. */
export type PassesResult = {
  readonly kind: "passes";
  readonly rows: readonly { readonly encoding: Encoding; readonly losses: readonly number[] }[];
};

/** Whether greedy decoding gave the key, for each prompt. */
export type PasskeyResult = {
  readonly kind: "passkey";
  readonly standard: readonly boolean[];
  readonly rows: readonly { readonly encoding: Encoding; readonly found: readonly boolean[] }[];
};

export type LckvQualityResult = TextResult | PassesResult | PasskeyResult;

/** Perplexity on the development set of SlimPajama, table 3 of Wu and Tu 2024 (arXiv 2405.10637): 1.1B, 100B tokens. */
export const publishedPerplexity = { standard: 9.219, w2: 9.746, w10: 9.265 } as const;

/** `m + b` of the paper. */
export const publishedPasses = 9;

export const meanLoss = (losses: readonly number[]): number =>
  losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
