import type { GgufArray, GgufValue } from "@kvasir/gguf";
import { GgufError } from "../errors.ts";

/** Kinds of token, by their number in `tokenizer.ggml.token_type`. */
export const TOKEN_KIND = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Largest vocabulary accepted, above any published one. */
const LARGEST_VOCABULARY = 2 ** 22;

/** Names of control tokens that end a turn in published models that only name another one as their EOS. */
const END_OF_TURN = new Set([
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "<EOT>",
  "<|eom_id|>",
]);

/** The vocabulary of a GGUF file, checked: arrays have one entry per token and ids are in range. */
export interface GgufVocabulary {
  /** `llama` (SentencePiece) or `gpt2` (byte-level BPE), or one that is not supported. */
  model: string;
  /** Name of the pre-tokenizer. */
  pre: string;
  architecture: string;
  tokens: readonly string[];
  /** One of `TOKEN_KIND` for each id. */
  kinds: readonly number[];
  scores: readonly number[] | undefined;
  merges: readonly string[] | undefined;
  bosId: number | undefined;
  eosIds: readonly number[];
  unknownId: number | undefined;
  /** Undefined where the file does not say. */
  addBos: boolean | undefined;
  addEos: boolean | undefined;
  addSpacePrefix: boolean | undefined;
  chatTemplate: string | undefined;
  toolTemplate: string | undefined;
}

const vocabularyKeys = new Set([
  "general.architecture",
  "tokenizer.chat_template",
  "tokenizer.chat_template.tool_use",
  ...[
    "model",
    "pre",
    "tokens",
    "token_type",
    "scores",
    "merges",
    "bos_token_id",
    "eos_token_id",
    "eot_token_id",
    "eom_token_id",
    "unknown_token_id",
    "add_bos_token",
    "add_eos_token",
    "add_space_prefix",
  ].map((name) => `tokenizer.ggml.${name}`),
]);

/** Keys of the metadata that `ggufVocabulary` reads. */
export function isVocabularyKey(key: string): boolean {
  return vocabularyKeys.has(key);
}

/** Whether there is one at all: llama.cpp's converter calls the model of a file without one `none` or `no_vocab`. */
export function hasVocabulary(values: ReadonlyMap<string, GgufValue>): boolean {
  const model = values.get("tokenizer.ggml.model");
  return model === undefined ? values.has("tokenizer.ggml.tokens") : model !== "none" && model !== "no_vocab";
}

/**
 * The vocabulary in the metadata of a GGUF file.
 *
 * @throws GgufError that names the key, for a missing value, a wrong type, or one out of range.
 */
export function ggufVocabulary(values: ReadonlyMap<string, GgufValue>): GgufVocabulary {
  const read = new VocabularyKeys(values);
  const tokens = read.strings("tokenizer.ggml.tokens");
  if (tokens === undefined || tokens.length === 0 || tokens.length > LARGEST_VOCABULARY) {
    const received = tokens === undefined ? "nothing" : tokens.length;
    throw new GgufError(
      `tokenizer.ggml.tokens: expected 1..${LARGEST_VOCABULARY} tokens, received ${received}`,
    );
  }
  const size = tokens.length;
  const kinds =
    read.numbers("tokenizer.ggml.token_type", size) ?? new Array<number>(size).fill(TOKEN_KIND.normal);
  const model = read.string("tokenizer.ggml.model");
  if (model === undefined) throw new GgufError("tokenizer.ggml.model: expected a string, received nothing");
  const bosId = read.id("tokenizer.ggml.bos_token_id", size);
  const named = ["eos", "eot", "eom"].map((name) => read.id(`tokenizer.ggml.${name}_token_id`, size));
  const ofTurn = tokens.flatMap((token, id) =>
    kinds[id] === TOKEN_KIND.control && END_OF_TURN.has(token) ? [id] : [],
  );
  return {
    model,
    pre: read.string("tokenizer.ggml.pre") ?? "default",
    architecture: read.string("general.architecture") ?? "",
    tokens,
    kinds,
    scores: read.numbers("tokenizer.ggml.scores", size),
    merges: read.strings("tokenizer.ggml.merges"),
    bosId,
    eosIds: [...new Set([...named.filter((id) => id !== undefined), ...ofTurn])],
    unknownId: read.id("tokenizer.ggml.unknown_token_id", size),
    addBos: read.boolean("tokenizer.ggml.add_bos_token"),
    addEos: read.boolean("tokenizer.ggml.add_eos_token"),
    addSpacePrefix: read.boolean("tokenizer.ggml.add_space_prefix"),
    chatTemplate: read.string("tokenizer.chat_template"),
    toolTemplate: read.string("tokenizer.chat_template.tool_use"),
  };
}

/** Typed reads of metadata: undefined where a key is absent, a GgufError where its type is wrong. */
class VocabularyKeys {
  readonly #values: ReadonlyMap<string, GgufValue>;

  constructor(values: ReadonlyMap<string, GgufValue>) {
    this.#values = values;
  }

  #get<T extends GgufValue>(
    key: string,
    expected: string,
    is: (value: GgufValue) => value is T,
  ): T | undefined {
    const value = this.#values.get(key);
    if (value === undefined || is(value)) return value;
    const received = typeof value === "object" ? `an array of ${typeof value[0]}` : typeof value;
    throw new GgufError(`${key}: expected ${expected}, received ${received}`);
  }

  string(key: string): string | undefined {
    return this.#get(key, "a string", (value) => typeof value === "string");
  }

  boolean(key: string): boolean | undefined {
    return this.#get(key, "a boolean", (value) => typeof value === "boolean");
  }

  strings(key: string): readonly string[] | undefined {
    const is = (value: GgufValue): value is readonly string[] =>
      Array.isArray(value) && (value.length === 0 || typeof value[0] === "string");
    return this.#get(key, "an array of strings", is);
  }

  numbers(key: string, length: number): number[] | undefined {
    const array = this.#get(key, "an array of numbers", isNumberArray);
    const numbers = array && Array.from<number | bigint, number>(array, Number);
    if (numbers !== undefined && numbers.length !== length) {
      throw new GgufError(
        `${key}: expected one number for each of ${length} tokens, received ${numbers.length}`,
      );
    }
    if (numbers?.some((number) => Number.isNaN(number))) throw new GgufError(`${key}: contains NaN`);
    return numbers;
  }

  id(key: string, size: number): number | undefined {
    const id = this.#get(key, "an integer", (value): value is number => Number.isInteger(value));
    if (id !== undefined && (id < 0 || id >= size)) {
      throw new GgufError(`${key}: expected an id in 0..${size - 1}, received ${id}`);
    }
    return id;
  }
}

type NumberArray = Exclude<GgufArray, readonly string[] | readonly boolean[]>;

function isNumberArray(value: GgufValue): value is NumberArray {
  return ArrayBuffer.isView(value);
}
