import type { CheckpointFiles, JsonObject } from "../src/hugging-face/checkpoint-files.ts";

const bytePieces = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);
const letters = [..."▁abhelo<>/|s1"];
const merges = ["h e", "l l", "he ll", "hell o", "▁ hello", "< /", "</ s", "</s >"];
const special = ["<unk>", "<s>", "</s>"].map((content, id) => ({
  id,
  content,
  special: true,
  normalized: false,
}));

/** The files of a checkpoint with this `tokenizer.json`. */
export function checkpointFiles(tokenizer: JsonObject, rest: Partial<CheckpointFiles> = {}): CheckpointFiles {
  return {
    tokenizer,
    tokenizerBytes: Buffer.from(JSON.stringify(tokenizer)),
    config: { bos_token: "<s>", eos_token: { content: "</s>" }, unk_token: "<unk>" },
    generation: {},
    template: undefined,
    ...rest,
  };
}

const spmDecoder = {
  type: "Sequence",
  decoders: [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    { type: "Strip", content: " ", start: 1, stop: 0 },
  ],
};

/** As Llama 2 has it: spaces by a normalizer, BPE with byte fallback over the whole text. */
export const LLAMA_LIKE = checkpointFiles({
  added_tokens: special,
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "▁" },
      { type: "Replace", pattern: { String: " " }, content: "▁" },
    ],
  },
  pre_tokenizer: null,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
  },
  decoder: spmDecoder,
  model: {
    type: "BPE",
    unk_token: "<unk>",
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(
      [
        ...special.map((token) => token.content),
        ...bytePieces,
        ...letters,
        "he",
        "ll",
        "hell",
        "hello",
        "▁hello",
        "</",
        "</s",
      ].map((token, id) => [token, id]),
    ),
    merges,
  },
});

/** As T5 has it, its special tokens among the pieces that plain text could be cut into. */
export const UNIGRAM = checkpointFiles({
  added_tokens: special.map((token) => ({ ...token, lstrip: false })),
  normalizer: null,
  pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always" },
  post_processor: null,
  decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always" },
  model: {
    type: "Unigram",
    unk_id: 0,
    vocab: [
      ["<unk>", 0],
      ["<s>", 0],
      ["</s>", 0],
      ...[...letters, "hello", "▁hello", "he", "ll"].map((piece, i) => [piece, -1 - i] as const),
    ],
  },
});
