import type { GgufValue, GgufWritable } from "@kvasir/gguf";

/** Metadata to be written: a key and its value. */
export type Entry = readonly [key: string, value: GgufWritable];

/** The entries as they are read from a file. */
export function valuesOf(entries: readonly Entry[]): Map<string, GgufValue> {
  return new Map(
    entries.map(([key, value]) => [key, typeof value === "object" && "type" in value ? value.value : value]),
  );
}

const bytePieces = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);
const spmPlain = [
  "▁",
  "a",
  "b",
  "l",
  "o",
  "▁a",
  "ab",
  "▁ab",
  "lo",
  "▁lo",
  "▁▁",
  "é",
  "<",
  "/",
  "s",
  ">",
  "</",
  "s>",
];

/** A SentencePiece vocabulary: 3 special tokens, a user-defined one, 256 bytes, and a few pieces. */
export const SPM_ENTRIES: readonly Entry[] = [
  ["general.architecture", "llama"],
  ["tokenizer.ggml.model", "llama"],
  ["tokenizer.ggml.tokens", ["<unk>", "<s>", "</s>", "[user]", ...bytePieces, ...spmPlain]],
  [
    "tokenizer.ggml.scores",
    Float32Array.from([0, 0, 0, 0, ...bytePieces.map(() => 0), ...spmPlain.map((_, i) => -i)]),
  ],
  [
    "tokenizer.ggml.token_type",
    Int32Array.from([2, 3, 3, 4, ...bytePieces.map(() => 6), ...spmPlain.map(() => 1)]),
  ],
  ["tokenizer.ggml.bos_token_id", { type: "u32", value: 1 }],
  ["tokenizer.ggml.eos_token_id", { type: "u32", value: 2 }],
  ["tokenizer.ggml.unknown_token_id", { type: "u32", value: 0 }],
  [
    "tokenizer.chat_template",
    "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ eos_token }}",
  ],
];

const printable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
let next = 0x100;
const byteChars = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(printable(byte) ? byte : next++),
);
const merges = [
  "h e",
  "l l",
  "he ll",
  "hell o",
  "Ġ hello",
  "< |",
  "e n",
  "en d",
  "| >",
  "<| end",
  "<|end |>",
];

/** A byte-level vocabulary: 256 bytes, the results of a few merges, and a special token that merges would spell. */
export const BPE_ENTRIES: readonly Entry[] = [
  ["general.architecture", "gpt2"],
  ["tokenizer.ggml.model", "gpt2"],
  ["tokenizer.ggml.pre", "gpt-2"],
  [
    "tokenizer.ggml.tokens",
    [...byteChars, "he", "ll", "hell", "hello", "Ġhello", "<|", "en", "end", "|>", "<|end|>"],
  ],
  ["tokenizer.ggml.token_type", Int32Array.from([...byteChars.map(() => 1), 1, 1, 1, 1, 1, 1, 1, 1, 1, 3])],
  ["tokenizer.ggml.merges", merges],
  ["tokenizer.ggml.bos_token_id", { type: "u32", value: 265 }],
  ["tokenizer.ggml.eos_token_id", { type: "u32", value: 265 }],
];

/** The entries with one replaced, or taken out where the new one is undefined. */
export function withEntry(entries: readonly Entry[], key: string, entry?: Entry): Entry[] {
  return [...entries.filter(([name]) => name !== key), ...(entry === undefined ? [] : [entry])];
}
