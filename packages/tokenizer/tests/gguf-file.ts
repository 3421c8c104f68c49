/** A metadata value to be written: its type in the format, and the value. */
export type Entry = readonly [
  key: string,
  type: "string" | "u32" | "bool" | "f32s" | "i32s" | "strings" | "nested",
  value: unknown,
];

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const u64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

export const string = (text: string) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);

const f32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};

const WRITERS: Record<Entry[1], (value: unknown) => Buffer> = {
  string: (value) => Buffer.concat([u32(8), string(value as string)]),
  u32: (value) => Buffer.concat([u32(4), u32(value as number)]),
  bool: (value) => Buffer.concat([u32(7), Buffer.from([value ? 1 : 0])]),
  f32s: (value) => array(6, (value as number[]).map(f32)),
  i32s: (value) => array(5, (value as number[]).map(u32)),
  strings: (value) => array(8, (value as string[]).map(string)),
  nested: (value) =>
    array(
      9,
      (value as number[][]).map((inner) => Buffer.concat([u32(5), u64(inner.length), ...inner.map(u32)])),
    ),
};

function array(type: number, items: Buffer[]): Buffer {
  return Buffer.concat([u32(9), u32(type), u64(items.length), ...items]);
}

/** A GGUF file of version 3 with these entries and no tensors. */
export function ggufFile(
  entries: readonly Entry[],
  { version = 3, count = entries.length as number | bigint } = {},
): Buffer {
  const written = entries.flatMap(([key, type, value]) => [string(key), WRITERS[type](value)]);
  return Buffer.concat([Buffer.from("GGUF"), u32(version), u64(0), u64(count), ...written]);
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
  ["general.architecture", "string", "llama"],
  ["tokenizer.ggml.model", "string", "llama"],
  ["tokenizer.ggml.tokens", "strings", ["<unk>", "<s>", "</s>", "[user]", ...bytePieces, ...spmPlain]],
  ["tokenizer.ggml.scores", "f32s", [0, 0, 0, 0, ...bytePieces.map(() => 0), ...spmPlain.map((_, i) => -i)]],
  ["tokenizer.ggml.token_type", "i32s", [2, 3, 3, 4, ...bytePieces.map(() => 6), ...spmPlain.map(() => 1)]],
  ["tokenizer.ggml.bos_token_id", "u32", 1],
  ["tokenizer.ggml.eos_token_id", "u32", 2],
  ["tokenizer.ggml.unknown_token_id", "u32", 0],
  [
    "tokenizer.chat_template",
    "string",
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
  ["general.architecture", "string", "gpt2"],
  ["tokenizer.ggml.model", "string", "gpt2"],
  ["tokenizer.ggml.pre", "string", "gpt-2"],
  [
    "tokenizer.ggml.tokens",
    "strings",
    [...byteChars, "he", "ll", "hell", "hello", "Ġhello", "<|", "en", "end", "|>", "<|end|>"],
  ],
  ["tokenizer.ggml.token_type", "i32s", [...byteChars.map(() => 1), 1, 1, 1, 1, 1, 1, 1, 1, 1, 3]],
  ["tokenizer.ggml.merges", "strings", merges],
  ["tokenizer.ggml.bos_token_id", "u32", 265],
  ["tokenizer.ggml.eos_token_id", "u32", 265],
];

/** The entries with one replaced, or taken out where the new one is undefined. */
export function withEntry(entries: readonly Entry[], key: string, entry?: Entry): Entry[] {
  return [...entries.filter(([name]) => name !== key), ...(entry === undefined ? [] : [entry])];
}
