import { stat } from "node:fs/promises";
import { GgufError as GgufFileError, type GgufValue, readGguf } from "@kvasir/gguf";
import { GgufError, NoTokenizerError, TokenizerFileError } from "./errors.ts";
import { GgufTokenizer } from "./gguf/gguf-tokenizer.ts";
import { ggufVocabulary, hasVocabulary, isVocabularyKey } from "./gguf/gguf-vocabulary.ts";
import { readCheckpointFiles } from "./hugging-face/checkpoint-files.ts";
import { HuggingFaceTokenizer } from "./hugging-face/hugging-face-tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Loads the tokenizer of a checkpoint.
 *
 * @param path A directory in the Hugging Face layout (`tokenizer.json`, `tokenizer_config.json`, and if there
 * `special_tokens_map.json`, `generation_config.json`, `chat_template.jinja`), or a GGUF file, known by
 * its first bytes.
 * @throws TokenizerFileError where the path is neither or a file is not sound, GgufError for a malformed GGUF
 * file, NoTokenizerError for one without a vocabulary, UnsupportedTokenizerError for a kind of tokenizer that this
 * package does not have.
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  const found = await stat(path).catch((error: unknown) => {
    throw new TokenizerFileError(`${path}: cannot be read: ${String(error)}`, { cause: error });
  });
  if (found.isDirectory()) return new HuggingFaceTokenizer(await readCheckpointFiles(path));
  if (!found.isFile()) throw neither(path);
  const values = await readVocabularyKeys(path);
  if (!hasVocabulary(values)) throw new NoTokenizerError(path);
  return GgufTokenizer.load(ggufVocabulary(values));
}

async function readVocabularyKeys(path: string): Promise<ReadonlyMap<string, GgufValue>> {
  try {
    return (await readGguf(path, { keys: isVocabularyKey, tensors: false })).metadata;
  } catch (error) {
    if (!(error instanceof GgufFileError)) throw error;
    if (error.code === "not-gguf") throw neither(path, { cause: error });
    throw new GgufError(error.message, { cause: error });
  }
}

function neither(path: string, options?: ErrorOptions): TokenizerFileError {
  return new TokenizerFileError(`${path}: expected a checkpoint directory or a GGUF file`, options);
}
