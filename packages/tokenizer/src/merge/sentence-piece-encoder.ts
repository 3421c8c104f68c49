import { TokenizerTextError } from "../errors.ts";
import { MergeRun } from "./merge-run.ts";
import { PlainEncoder, STEPS_BETWEEN_YIELDS } from "./plain-encoder.ts";

/** How SentencePiece writes a space inside a piece. */
export const SPACE_MARK = "\u2581";

const SPACE_INSIDE = new RegExp(`[^${SPACE_MARK}]${SPACE_MARK}`);
const WORD = new RegExp(`${SPACE_MARK}*[^${SPACE_MARK}]+|${SPACE_MARK}+`, "g");

/**
 * SentencePiece's BPE (Kudo and Richardson 2018): the characters of the text are joined into pieces, the piece
 * with the highest score first; a character that is no piece becomes its UTF-8 bytes.
 */
export class SentencePieceEncoder extends PlainEncoder {
  readonly #pieces: ReadonlyMap<string, number>;
  readonly #scores: readonly number[];
  readonly #byteIds: readonly (number | undefined)[];
  readonly #unknownId: number | undefined;
  readonly #leadingSpace: boolean;
  readonly #longestPiece: number;
  /** No piece has a space after another character, so no merge reaches across such a place. */
  readonly #splitsAtSpaces: boolean;

  /**
   * @param pieces Plain pieces with spaces as `SPACE_MARK`; special and byte tokens must not be among them.
   * @param scores Score of each id.
   * @param byteIds The id of each byte's token.
   * @param leadingSpace Put a space in front of a text that is first.
   */
  constructor(options: {
    pieces: ReadonlyMap<string, number>;
    scores: readonly number[];
    byteIds: readonly (number | undefined)[];
    unknownId: number | undefined;
    leadingSpace: boolean;
  }) {
    super();
    this.#pieces = options.pieces;
    this.#scores = options.scores;
    this.#byteIds = options.byteIds;
    this.#unknownId = options.unknownId;
    this.#leadingSpace = options.leadingSpace;
    this.#longestPiece = 0;
    this.#splitsAtSpaces = true;
    for (const piece of options.pieces.keys()) {
      this.#longestPiece = Math.max(this.#longestPiece, piece.length);
      if (SPACE_INSIDE.test(piece)) this.#splitsAtSpaces = false;
    }
  }

  protected override words(text: string, first: boolean): Iterable<string> {
    const marked = (this.#leadingSpace && first ? ` ${text}` : text).replaceAll(" ", SPACE_MARK);
    return this.#splitsAtSpaces ? matches(marked, WORD) : [marked];
  }

  protected override *encodeWord(word: string, ids: number[]): Generator<void, void> {
    const { starts, ends } = codePoints(word);
    const piece = (left: number, right: number): number | undefined => {
      const start = starts[left]!;
      const end = ends[right]!;
      return end - start > this.#longestPiece ? undefined : this.#pieces.get(word.slice(start, end));
    };
    const run = new MergeRun(starts.length, {
      cost: (left, right) => {
        const id = piece(left, right);
        return id === undefined ? Number.POSITIVE_INFINITY : -this.#scores[id]!;
      },
      join: (left, right) => {
        ends[left] = ends[right]!;
      },
    });
    while (!run.advance(STEPS_BETWEEN_YIELDS)) yield;
    let work = 0;
    for (const symbol of run.symbols()) {
      const id = piece(symbol, symbol);
      if (id !== undefined) ids.push(id);
      else this.#pushBytes(word.slice(starts[symbol]!, ends[symbol]!), ids);
      if (++work % STEPS_BETWEEN_YIELDS === 0) yield;
    }
  }

  #pushBytes(char: string, ids: number[]): void {
    for (const byte of Buffer.from(char, "utf8")) {
      const id = this.#byteIds[byte] ?? this.#unknownId;
      if (id === undefined)
        throw new TokenizerTextError(`text: the vocabulary has no piece and no bytes for "${char}"`);
      ids.push(id);
    }
  }
}

function* matches(text: string, pattern: RegExp): Generator<string> {
  for (const [match] of text.matchAll(pattern)) yield match;
}

/** Where each code point of a word starts and ends, in UTF-16 code units. */
function codePoints(word: string): { starts: Int32Array; ends: Int32Array } {
  const starts = new Int32Array(word.length);
  const ends = new Int32Array(word.length);
  let count = 0;
  for (let at = 0; at < word.length; count++) {
    starts[count] = at;
    at += word.codePointAt(at)! > 0xffff ? 2 : 1;
    ends[count] = at;
  }
  return { starts: starts.subarray(0, count), ends: ends.subarray(0, count) };
}
