import { fileURLToPath } from "node:url";
import { parseGgufMetadata } from "../src/gguf/gguf-metadata.ts";
import { GgufTokenizer } from "../src/gguf/gguf-tokenizer.ts";
import { ggufVocabulary } from "../src/gguf/gguf-vocabulary.ts";
import { HuggingFaceTokenizer } from "../src/hugging-face/hugging-face-tokenizer.ts";
import { loadTokenizer } from "../src/load-tokenizer.ts";
import { BPE_ENTRIES, type Entry, ggufFile, SPM_ENTRIES, withEntry } from "./gguf-file.ts";
import { testTokenizer } from "./tokenizer.case.ts";
import { LLAMA_LIKE } from "./tokenizer-files.ts";

const gguf = (entries: readonly Entry[]) =>
  new GgufTokenizer(ggufVocabulary(parseGgufMetadata(ggufFile(entries), () => true)));

testTokenizer("tokenizer.json with byte-level BPE", () =>
  loadTokenizer(fileURLToPath(new URL("checkpoints/tiny", import.meta.url))),
);
testTokenizer("tokenizer.json with byte fallback", () => new HuggingFaceTokenizer(LLAMA_LIKE));
testTokenizer("GGUF with SentencePiece", () => gguf(SPM_ENTRIES));
testTokenizer("GGUF with SentencePiece, pieces with a space inside", () => {
  const tokens = SPM_ENTRIES.find(([key]) => key === "tokenizer.ggml.tokens")![2] as string[];
  const inside = tokens.map((token) => (token === "ab" ? "b▁a" : token));
  return gguf(withEntry(SPM_ENTRIES, "tokenizer.ggml.tokens", ["tokenizer.ggml.tokens", "strings", inside]));
});
testTokenizer("GGUF with byte-level BPE", () => gguf(BPE_ENTRIES));
