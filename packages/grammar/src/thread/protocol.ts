import type { FormatText } from "../checked-format.ts";
import type { GrammarErrorParts } from "../grammar-error.ts";

/** What a thread is started with. */
export interface ThreadData {
  readonly vocabSize: number;
  /** Of all tokens, one after the other, in shared memory; those that no text may have are empty. */
  readonly bytes: Uint8Array;
  /** vocabSize + 1 offsets into them. */
  readonly offsets: Int32Array;
  readonly eosIds: readonly number[];
  /** What masks may be kept at most. */
  readonly cacheBytes: number;
  /** How many grammars may be kept that no matcher uses. */
  readonly idleGrammars: number;
}

/** Compiles a format and opens a matcher for it, which has read the given tokens. */
export interface OpenRequest {
  readonly kind: "open";
  readonly job: number;
  readonly matcher: number;
  readonly format: FormatText;
  readonly milliseconds: number;
  readonly ids: readonly number[];
}

/** Reads tokens, from the beginning of the text if `anew`, and asks for the mask of the next one. */
export interface NextRequest {
  readonly kind: "next";
  readonly job: number;
  readonly matcher: number;
  readonly anew: boolean;
  readonly ids: readonly number[];
}

export interface CloseRequest {
  readonly kind: "close";
  readonly matcher: number;
}

export type ThreadRequest = OpenRequest | NextRequest | CloseRequest;

export type ThreadAnswer =
  | { readonly job: number; readonly error: GrammarErrorParts }
  /** `mask`: which of the message's masks; undefined for what asked for none. */
  | {
      readonly job: number;
      readonly error?: undefined;
      readonly mask: number | undefined;
      readonly done: boolean;
    };

/** Answers, and the masks that they speak of, one after the other. */
export interface ThreadMessage {
  readonly answers: readonly ThreadAnswer[];
  readonly masks: Uint32Array<ArrayBuffer>;
}
