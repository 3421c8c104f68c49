import { setImmediate } from "node:timers/promises";
import { GgufError, UnsupportedTokenizerError } from "../errors.ts";
import { byteLevelBytes } from "../merge/byte-level.ts";
import { BytePairEncoder } from "../merge/byte-pair-encoder.ts";
import type { PlainEncoder } from "../merge/plain-encoder.ts";
import { preTokenizer } from "../merge/pre-tokenizer.ts";
import { SentencePieceEncoder, SPACE_MARK } from "../merge/sentence-piece-encoder.ts";
import { ChatTemplate } from "../template/chat-template.ts";
import { TokenTable, wellFormed } from "../token-table.ts";
import type { DecodeOptions, EncodeOptions, Tokenizer } from "../tokenizer.ts";
import { type AddedToken, AddedTokens } from "./added-tokens.ts";
import { type GgufVocabulary, TOKEN_KIND } from "./gguf-vocabulary.ts";

const { normal, unknown, control, userDefined, unused, byte } = TOKEN_KIND;
/** How long asynchronous work goes on before it lets the event loop run, in milliseconds. */
const SLICE_MS = 8;
/** Entering as many into a map takes about a millisecond. */
const TOKENS_BETWEEN_YIELDS = 4096;

/** Runs `work` to its end, with turns of the event loop in between. */
async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (let started = performance.now(); ; ) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() - started < SLICE_MS) continue;
    await setImmediate();
    started = performance.now();
  }
}

function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** What differs between the kinds of vocabulary. */
interface Spelling {
  encoder: PlainEncoder;
  /** Ids of tokens that are no text. */
  special: ReadonlySet<number>;
  /** Bytes of a normal or byte token. */
  bytesOf: (id: number) => Uint8Array;
  leadingSpace: boolean;
  addBos: boolean;
}

/** A tokenizer from the vocabulary inside a GGUF file; its ids are those of llama.cpp. */
export class GgufTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosIds: readonly number[];
  readonly leadingSpace: boolean;
  readonly #encoder: PlainEncoder;
  readonly #added: AddedTokens;
  readonly #table: TokenTable;
  readonly #before: readonly number[];
  readonly #after: readonly number[];
  readonly #vocabulary: Pick<GgufVocabulary, "chatTemplate" | "toolTemplate">;
  readonly #tokenText: (id: number | undefined) => string;
  #chatTemplate: ChatTemplate | undefined;

  /** As the constructor, with turns of the event loop in between: a large vocabulary takes a fraction of a second. */
  static async load(vocabulary: GgufVocabulary): Promise<GgufTokenizer> {
    return new GgufTokenizer(vocabulary, await inSlices(spellingOf(vocabulary)));
  }

  /** @throws UnsupportedTokenizerError, GgufError */
  constructor(vocabulary: GgufVocabulary, spelling: Spelling = atOnce(spellingOf(vocabulary))) {
    const { tokens, kinds, bosId, eosIds } = vocabulary;
    const { special } = spelling;
    this.vocabSize = tokens.length;
    this.bosId = bosId;
    this.eosIds = eosIds;
    this.leadingSpace = spelling.leadingSpace;
    this.#encoder = spelling.encoder;
    this.#added = new AddedTokens(addedTokens(vocabulary, special));
    this.#table = new TokenTable({
      size: tokens.length,
      special,
      leadingSpace: spelling.leadingSpace,
      bytesOf: (id) =>
        special.has(id) || kinds[id] === userDefined ? Buffer.from(tokens[id]!) : spelling.bytesOf(id),
    });
    this.#before = (vocabulary.addBos ?? spelling.addBos) && bosId !== undefined ? [bosId] : [];
    this.#after = vocabulary.addEos && eosIds[0] !== undefined ? [eosIds[0]] : [];
    this.#vocabulary = { chatTemplate: vocabulary.chatTemplate, toolTemplate: vocabulary.toolTemplate };
    this.#tokenText = (id) => (id === undefined ? "" : tokens[id]!);
  }

  get chatTemplate(): ChatTemplate | undefined {
    const { chatTemplate, toolTemplate } = this.#vocabulary;
    if (chatTemplate === undefined) return undefined;
    this.#chatTemplate ??= new ChatTemplate(chatTemplate, {
      bosToken: this.#tokenText(this.bosId),
      eosToken: this.#tokenText(this.eosIds[0]),
      toolSource: toolTemplate,
    });
    return this.#chatTemplate;
  }

  encode(text: string, options: EncodeOptions = {}): Int32Array {
    const ids: number[] = [];
    atOnce(this.#encodeTo(ids, text, options));
    return Int32Array.from(ids);
  }

  async encodeAsync(text: string, options: EncodeOptions = {}): Promise<Int32Array> {
    const ids: number[] = [];
    await inSlices(this.#encodeTo(ids, text, options));
    return Int32Array.from(ids);
  }

  *#encodeTo(ids: number[], text: string, options: EncodeOptions): Generator<void, void> {
    const { addSpecial = true, parseSpecial = true } = options;
    if (addSpecial) for (const id of this.#before) ids.push(id);
    let first = true;
    for (const part of this.#added.split(wellFormed(text), parseSpecial)) {
      if ("id" in part) ids.push(part.id);
      else yield* this.#encoder.encode(part.text, ids, first);
      first = "id" in part;
    }
    if (addSpecial) for (const id of this.#after) ids.push(id);
  }

  decode(ids: Iterable<number>, options?: DecodeOptions): string {
    return this.#table.decode(ids, options);
  }

  tokenBytes(id: number): Uint8Array {
    return this.#table.bytes(id);
  }

  isSpecial(id: number): boolean {
    return this.#table.isSpecial(id);
  }
}

function* spellingOf(vocabulary: GgufVocabulary): Generator<void, Spelling> {
  const { bosId, eosIds, kinds } = vocabulary;
  const special = new Set<number>(eosIds);
  if (bosId !== undefined) special.add(bosId);
  for (const [id, kind] of kinds.entries()) if (kind === control || kind === unknown) special.add(id);
  if (vocabulary.model === "llama") return yield* sentencePiece(vocabulary, special);
  if (vocabulary.model === "gpt2") return yield* byteLevel(vocabulary, special);
  throw new UnsupportedTokenizerError(
    `tokenizer.ggml.model: "${vocabulary.model}" is not known; known are llama, gpt2`,
  );
}

/** Ids of the tokens that plain text may become, by spelling. */
function* plainTokens(
  { tokens, kinds }: GgufVocabulary,
  special: ReadonlySet<number>,
): Generator<void, Map<string, number>> {
  const plain = new Map<string, number>();
  for (const [id, kind] of kinds.entries()) {
    if (!special.has(id) && (kind === normal || kind === userDefined || kind === unused))
      plain.set(tokens[id]!, id);
    if (id % TOKENS_BETWEEN_YIELDS === 0) yield;
  }
  return plain;
}

function* sentencePiece(vocabulary: GgufVocabulary, special: ReadonlySet<number>): Generator<void, Spelling> {
  const { tokens, kinds, scores, unknownId } = vocabulary;
  if (scores === undefined)
    throw new GgufError("tokenizer.ggml.scores: expected one number per token, received nothing");
  const byteOf = new Map<number, number>();
  const byteIds = new Array<number | undefined>(256).fill(undefined);
  for (const [id, kind] of kinds.entries()) {
    if (kind !== byte) continue;
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(tokens[id]!)?.[1];
    if (hex === undefined)
      throw new GgufError(`tokenizer.ggml.tokens: byte token ${id} must look like <0x0A>`);
    byteOf.set(id, Number.parseInt(hex, 16));
    byteIds[Number.parseInt(hex, 16)] = id;
  }
  const leadingSpace = vocabulary.addSpacePrefix ?? true;
  const pieces = yield* plainTokens(vocabulary, special);
  return {
    special,
    encoder: new SentencePieceEncoder({
      pieces,
      scores,
      byteIds,
      unknownId,
      leadingSpace,
    }),
    bytesOf: (id) => {
      const value = byteOf.get(id);
      return value === undefined
        ? Buffer.from(tokens[id]!.replaceAll(SPACE_MARK, " "))
        : Uint8Array.of(value);
    },
    leadingSpace,
    addBos: true,
  };
}

function* byteLevel(vocabulary: GgufVocabulary, special: ReadonlySet<number>): Generator<void, Spelling> {
  const { tokens, merges, unknownId } = vocabulary;
  if (merges === undefined)
    throw new GgufError("tokenizer.ggml.merges: expected an array of strings, received nothing");
  const bad = merges.findIndex((merge) => merge.indexOf(" ", 1) < 1 || merge.endsWith(" "));
  if (bad >= 0)
    throw new GgufError(`tokenizer.ggml.merges: number ${bad} must be two tokens with a space between`);
  const { split, wholeWords, addBos } = preTokenizer(vocabulary.pre);
  const encoder = new BytePairEncoder({
    split,
    vocabulary: yield* plainTokens(vocabulary, special),
    vocabSize: tokens.length,
    wholeWords,
    unknownId,
  });
  yield* encoder.learn(merges);
  return {
    special,
    encoder,
    bytesOf: (id) => byteLevelBytes(tokens[id]!) ?? Buffer.from(tokens[id]!),
    leadingSpace: false,
    addBos,
  };
}

/** Phi-3's special tokens swallow the white space after them, which its files do not say. */
function addedTokens(vocabulary: GgufVocabulary, special: ReadonlySet<number>): AddedToken[] {
  const { tokens, kinds, architecture } = vocabulary;
  const exempt = new Set(["<unk>", "<s>", "<|endoftext|>"]);
  return tokens.flatMap((text, id) => {
    if (!special.has(id) && kinds[id] !== userDefined) return [];
    return [
      { id, text, special: special.has(id), takesSpaceAfter: architecture === "phi3" && !exempt.has(text) },
    ];
  });
}
