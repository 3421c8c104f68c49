import type { Eviction, Prefix } from "./composition-case.ts";

/** Of one eviction and prefix, in pages of one format of one model. */
export type CaseResult = {
  readonly eviction: Eviction;
  readonly prefix: Prefix;
  /** The software's own words, where it does not take the case; nothing else is in the result then. */
  readonly refused: string | null;
  /** Requests that ran together, what they held then, and one page's bytes. */
  readonly requests: number;
  readonly usedPages: number;
  readonly pageBytes: number;
  readonly logicalTokens: number;
  readonly residentTokens: number;
  /** Of each repetition: tokens a second of all together, and as a multiple of the standard case's in the same one. */
  readonly tokensPerSecond: readonly number[];
  readonly ratios: readonly number[];
  /** Of each window of text: nats a token. A prefix in shared pages changes no bit of it. */
  readonly losses: readonly number[];
};

/** All cases of one model and format, or why there are none. */
export type CompositionResult = {
  readonly refused: string | null;
  /** Of the model and format, by the formula: all that a token takes when nothing is evicted or shared. */
  readonly bytesPerToken: number;
  readonly slotsPerPage: number;
  /** KV layers x KV heads. */
  readonly heads: number;
  /** Of each repetition: decoding after prompts so short that there is next to no attention, as such a multiple. */
  readonly ceilings: readonly number[];
  readonly cases: readonly CaseResult[];
};
