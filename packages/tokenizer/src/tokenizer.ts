import type { ChatTemplate } from "./template/chat-template.ts";

/** How text becomes ids. */
export interface EncodeOptions {
  /** Put the ids around the text that the vocabulary asks for (usually one BOS in front). Default true. */
  addSpecial?: boolean;
  /**
   * Read the spelling of a special token (`<|eos|>`) as that token. Default true, which is right for the output
   * of a chat template. With false no special id ever comes from the text, whatever it says (but for the unknown
   * token, where a vocabulary cannot spell the text): use it for text that a stranger wrote. Added tokens that are not special are matched either way.
   */
  parseSpecial?: boolean;
}

/** How ids become text. */
export interface DecodeOptions {
  /** Leave special tokens out of the text. Default true. */
  skipSpecial?: boolean;
  /**
   * The ids go on from earlier text, so the space that `encode` puts in front of a text (`leadingSpace`) is not
   * taken off. Default false.
   */
  continuation?: boolean;
}

/**
 * Text to token ids and back. Immutable and safe to share; ids are integers in `0 .. vocabSize - 1`.
 *
 * Text is a sequence of Unicode code points: a lone surrogate in a JavaScript string encodes as U+FFFD. Bytes
 * that are not UTF-8 decode to U+FFFD, one for each maximal ill-formed part, as the WHATWG encoding standard says.
 */
export interface Tokenizer {
  /** One more than the largest id. A checkpoint may have more embedding rows than this. */
  readonly vocabSize: number;
  /** The id that starts a sequence, where the checkpoint names one. */
  readonly bosId: number | undefined;
  /** Ids that end a generation, the checkpoint's main one first; empty where it names none. */
  readonly eosIds: readonly number[];
  /** `encode` puts one space in front of a text, and `decode` takes it off again (SentencePiece vocabularies). */
  readonly leadingSpace: boolean;
  /** The checkpoint's chat template, where it has one. Reading it throws `TemplateError` if it does not parse. */
  readonly chatTemplate: ChatTemplate | undefined;

  /** The ids of `text`, in one go: about 1 MB/s, during which the event loop waits. */
  encode(text: string, options?: EncodeOptions): Int32Array;
  /** The same ids as `encode`, while the event loop keeps running. */
  encodeAsync(text: string, options?: EncodeOptions): Promise<Int32Array>;
  /** The text of `ids`. Throws `TokenIdError`. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /** The exact bytes of one token, owned by the tokenizer: do not modify. Empty for an id that no token has. */
  tokenBytes(id: number): Uint8Array;
  /** Whether the id is a control token rather than text. Throws `TokenIdError`. */
  isSpecial(id: number): boolean;
}
