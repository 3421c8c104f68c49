import { type GgufValue, type GgufWritable, readGguf } from "@kvasir/gguf";

const kind = { normal: 1, unknown: 2, control: 3, byte: 6 };
const letters = "abcdefghijklmnopqrstuvwxyz";
/** Stands for a space in SentencePiece tokens. */
const space = "\u2581";

export type Vocabulary = { readonly size: number; readonly metadata: ReadonlyMap<string, GgufWritable> };

/**
 * A made-up SentencePiece vocabulary: `<unk>`, `<s>`, `</s>`, the 256 bytes, letters, and then words that are
 * no words. Whatever is encoded comes back.
 *
 * @param size tokens, 300 or more
 */
export function madeUpVocabulary(size: number): Vocabulary {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, space, ...letters];
  for (let word = 0; tokens.length < size; word++) tokens.push(space + spelled(word));
  const kinds = new Int32Array(size).fill(kind.normal);
  kinds.set([kind.unknown, kind.control, kind.control, ...bytes.map(() => kind.byte)]);
  return {
    size,
    metadata: new Map<string, GgufWritable>([
      ["tokenizer.ggml.model", "llama"],
      ["tokenizer.ggml.tokens", tokens.slice(0, size)],
      ["tokenizer.ggml.scores", Float32Array.from({ length: size }, (_, id) => -id)],
      ["tokenizer.ggml.token_type", kinds],
      ["tokenizer.ggml.unknown_token_id", { type: "u32", value: 0 }],
      ["tokenizer.ggml.bos_token_id", { type: "u32", value: 1 }],
      ["tokenizer.ggml.eos_token_id", { type: "u32", value: 2 }],
      ["tokenizer.ggml.add_bos_token", true],
      ["tokenizer.ggml.add_eos_token", false],
    ]),
  };
}

/** A number in letters, two or more: aa, ba, ..., different for every number. */
function spelled(number: number): string {
  let text = "";
  for (let rest = number; rest > 0 || text.length < 2; rest = Math.floor(rest / 26))
    text += letters[rest % 26];
  return text;
}

/** The vocabulary of a GGUF file: its keys `tokenizer.*`. Throws `GgufError`, and `Error` where there are no tokens. */
export async function copiedVocabulary(path: string): Promise<Vocabulary> {
  const { metadata } = await readGguf(path, { keys: (key) => key.startsWith("tokenizer."), tensors: false });
  const tokens = metadata.get("tokenizer.ggml.tokens");
  if (!Array.isArray(tokens))
    throw new Error(`${path}: expected tokenizer.ggml.tokens, received no list of text`);
  return {
    size: tokens.length,
    metadata: new Map([...metadata].map(([key, value]) => [key, writable(key, value)])),
  };
}

/** Numbers of a vocabulary that stand alone are ids. */
function writable(key: string, value: GgufValue): GgufWritable {
  if (typeof value === "bigint") throw new Error(`${key}: expected an id, received ${value}`);
  if (typeof value !== "number") return value;
  return Number.isInteger(value) && value >= 0 ? { type: "u32", value } : { type: "f32", value };
}
