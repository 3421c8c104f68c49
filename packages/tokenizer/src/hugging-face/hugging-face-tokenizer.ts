import { setImmediate } from "node:timers/promises";
import { TokenizerTextError } from "../errors.ts";
import { ChatTemplate } from "../template/chat-template.ts";
import { TokenTable, wellFormed } from "../token-table.ts";
import type { DecodeOptions, EncodeOptions, Tokenizer } from "../tokenizer.ts";
import { AddedTokenSplitter } from "./added-token-splitter.ts";
import type { CheckpointFiles } from "./checkpoint-files.ts";
import { ModelWorker } from "./model-worker.ts";
import { specialIds, templateSources } from "./special-tokens.ts";
import { tokenSpelling } from "./token-bytes.ts";
import { type AddedToken, type TokenizerJson, tokenizerFromJson } from "./tokenizer-json.ts";

/** Texts up to this many code units are encoded at once; longer ones in the thread. */
const SHORT_TEXT = 2 ** 14;
const SLICE_MS = 8;

/** The added tokens to look for, before the normalizer and after it. */
interface Splitters {
  before: AddedTokenSplitter;
  after: AddedTokenSplitter;
  /** Every token that is looked for, by its content. */
  known: ReadonlyMap<string, AddedToken>;
}

/**
 * A tokenizer from `tokenizer.json`, run by @huggingface/tokenizers: the same ids as that library gives. Added
 * tokens are cut out here, since the library cannot leave special ones alone.
 */
export class HuggingFaceTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosIds: readonly number[];
  readonly leadingSpace: boolean;
  readonly #files: CheckpointFiles;
  readonly #json: TokenizerJson;
  readonly #table: TokenTable;
  readonly #special: ReadonlySet<number>;
  readonly #splitters: { all: Splitters; plain: Splitters };
  readonly #before: readonly number[];
  readonly #after: readonly number[];
  readonly #worker: ModelWorker;
  #chatTemplate: ChatTemplate | undefined;

  /** @throws TokenizerFileError, UnsupportedTokenizerError */
  constructor(files: CheckpointFiles) {
    this.#files = files;
    this.#json = tokenizerFromJson(files.tokenizer, files.config);
    const { texts, added, library } = this.#json;
    const { bosId, eosIds } = specialIds(files, (token) => library.token_to_id(token), texts.length);
    const spelling = tokenSpelling(files.tokenizer.decoder);
    const addedIds = new Set(added.map((token) => token.id));
    this.#special = new Set([
      ...added.filter((token) => token.special).map((token) => token.id),
      ...eosIds,
      ...(bosId === undefined ? [] : [bosId]),
    ]);
    this.vocabSize = texts.length;
    this.bosId = bosId;
    this.eosIds = eosIds;
    this.leadingSpace = spelling.leadingSpace;
    this.#table = new TokenTable({
      size: texts.length,
      special: this.#special,
      leadingSpace: spelling.leadingSpace,
      bytesOf: (id) => spelling.bytesOf(texts[id] ?? "", addedIds.has(id)),
    });
    this.#splitters = {
      all: this.#splittersFor(added),
      plain: this.#splittersFor(added.filter((token) => !this.#special.has(token.id))),
    };
    [this.#before, this.#after] = this.#surroundings();
    this.#worker = new ModelWorker(files.tokenizerBytes, files.config);
  }

  get chatTemplate(): ChatTemplate | undefined {
    const { source, ...options } = templateSources(this.#files);
    if (source === undefined) return undefined;
    this.#chatTemplate ??= new ChatTemplate(source, options);
    return this.#chatTemplate;
  }

  encode(text: string, options: EncodeOptions = {}): Int32Array {
    const ids: number[] = [];
    const steps = this.#encodeTo(ids, text, options);
    for (let step = steps.next(); !step.done; ) {
      const { text, section, action } = step.value;
      step = steps.next(action === "normalize" ? this.#normalize(text) : this.#plainIds(text, section));
    }
    return Int32Array.from(ids);
  }

  async encodeAsync(text: string, options: EncodeOptions = {}): Promise<Int32Array> {
    const ids: number[] = [];
    const steps = this.#encodeTo(ids, text, options);
    let started = performance.now();
    for (let step = steps.next(); !step.done; ) {
      const { text, section, action } = step.value;
      if (text.length > SHORT_TEXT) {
        const result = await (action === "normalize"
          ? this.#worker.normalize(text)
          : this.#worker.encode(text, section));
        started = performance.now();
        step = steps.next(result);
        continue;
      }
      step = steps.next(action === "normalize" ? this.#normalize(text) : this.#plainIds(text, section));
      if (performance.now() - started < SLICE_MS) continue;
      await setImmediate();
      started = performance.now();
    }
    return Int32Array.from(ids);
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

  /** Encodes `text`, asking its caller for what takes long: a normalized text, or the ids of plain text. */
  *#encodeTo(
    ids: number[],
    text: string,
    options: EncodeOptions,
  ): Generator<Request, void, string | ArrayLike<number>> {
    const { addSpecial = true, parseSpecial = true } = options;
    const { before, after, known } = parseSpecial ? this.#splitters.all : this.#splitters.plain;
    if (addSpecial) for (const id of this.#before) ids.push(id);
    for (const [section, part] of before.split(wellFormed(text)).entries()) {
      const token = typeof part === "string" ? known.get(part) : part;
      if (token !== undefined) ids.push(token.id);
      if (token !== undefined || part === "") continue;
      let plain = part as string;
      if (this.#json.library.normalizer !== null) {
        plain = (yield { action: "normalize", text: plain, section }) as string;
      }
      for (const piece of plain === "" ? [] : after.split(plain)) {
        const found = typeof piece === "string" ? known.get(piece) : piece;
        if (found !== undefined) ids.push(found.id);
        else if (piece !== "") {
          const encoded = (yield { action: "encode", text: piece as string, section }) as ArrayLike<number>;
          this.#pushPlain(encoded, section, parseSpecial, ids);
        }
      }
    }
    if (addSpecial) for (const id of this.#after) ids.push(id);
  }

  #normalize(text: string): string {
    return this.#json.library.normalizer!(text);
  }

  #plainIds(text: string, section: number): number[] {
    const { model, pre_tokenizer: preTokenizer } = this.#json.library;
    try {
      const tokens = model!(preTokenizer === null ? [text] : preTokenizer(text, { section_index: section }));
      return tokens.map((token) => model!.tokens_to_ids.get(token) ?? model!.unk_token_id ?? -1);
    } catch (error) {
      throw new TokenizerTextError(`text: cannot be encoded: ${String(error)}`);
    }
  }

  /** A vocabulary may hold special tokens that a model spells from plain text: those are spelled in two parts. */
  #pushPlain(encoded: ArrayLike<number>, section: number, parseSpecial: boolean, ids: number[]): void {
    const unknown = this.#json.library.model!.unk_token_id;
    for (let i = 0; i < encoded.length; i++) {
      const id = encoded[i]!;
      if (id < 0)
        throw new TokenizerTextError("text: a part of it has no token, and there is no unknown token");
      if (parseSpecial || id === unknown || !this.#special.has(id)) {
        ids.push(id);
        continue;
      }
      const text = this.#json.texts[id]!;
      if (text.length < 2) throw new TokenizerTextError(`text: "${text}" has no token but a special one`);
      for (const half of [text.slice(0, 1), text.slice(1)]) {
        this.#pushPlain(this.#modelIds(half), section, parseSpecial, ids);
      }
    }
  }

  #modelIds(token: string): number[] {
    const model = this.#json.library.model!;
    return model([token]).map((part) => model.tokens_to_ids.get(part) ?? model.unk_token_id ?? -1);
  }

  #splittersFor(tokens: readonly AddedToken[]): Splitters {
    const { normalizer } = this.#json.library;
    const before = new Map<string, AddedToken>();
    const after = new Map<string, AddedToken>();
    for (const token of tokens) {
      if (token.normalized && normalizer !== null) after.set(normalizer(token.content), token);
      else before.set(token.content, token);
    }
    return {
      before: new AddedTokenSplitter(before),
      after: new AddedTokenSplitter(after),
      known: new Map([...tokens.map((token) => [token.content, token] as const), ...after]),
    };
  }

  /** The ids that the post-processor puts before and after a text. */
  #surroundings(): [number[], number[]] {
    const { library } = this.#json;
    if (library.post_processor === null) return [[], []];
    const probe = "\u0000";
    const tokens = library.post_processor([probe], null, true).tokens;
    const at = tokens.indexOf(probe);
    const ids = (part: string[]) =>
      part.map((token) => library.token_to_id(token)).filter((id) => id !== undefined);
    return [ids(tokens.slice(0, at)), ids(tokens.slice(at + 1))];
  }
}

interface Request {
  action: "normalize" | "encode";
  text: string;
  /** Index of the section among those between added tokens, which some pre-tokenizers look at. */
  section: number;
}
