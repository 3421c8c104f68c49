import { fileURLToPath } from "node:url";
import { GgufTokenizer } from "../src/gguf/gguf-tokenizer.ts";
import { ggufVocabulary } from "../src/gguf/gguf-vocabulary.ts";
import { HuggingFaceTokenizer } from "../src/hugging-face/hugging-face-tokenizer.ts";
import { loadTokenizer } from "../src/load-tokenizer.ts";
import { BPE_ENTRIES, type Entry, SPM_ENTRIES, valuesOf, withEntry } from "./gguf-entries.ts";
import { testTokenizer } from "./tokenizer.case.ts";
import { LLAMA_LIKE } from "./tokenizer-files.ts";

const gguf = (entries: readonly Entry[]) => new GgufTokenizer(ggufVocabulary(valuesOf(entries)));

testTokenizer("tokenizer.json with byte-level BPE", () =>
  loadTokenizer(fileURLToPath(new URL("checkpoints/tiny", import.meta.url))),
);
testTokenizer("tokenizer.json with byte fallback", () => new HuggingFaceTokenizer(LLAMA_LIKE));
testTokenizer("GGUF with SentencePiece", () => gguf(SPM_ENTRIES));
testTokenizer("GGUF with SentencePiece, pieces with a space inside", () => {
  const tokens = SPM_ENTRIES.find(([key]) => key === "tokenizer.ggml.tokens")![1] as string[];
  const inside = tokens.map((token) => (token === "ab" ? "b▁a" : token));
  return gguf(withEntry(SPM_ENTRIES, "tokenizer.ggml.tokens", ["tokenizer.ggml.tokens", inside]));
});
testTokenizer("GGUF with byte-level BPE", () => gguf(BPE_ENTRIES));
