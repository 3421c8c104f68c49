import { access, stat } from "node:fs/promises";
import path from "node:path";
import type { ModelConfig } from "@kvasir/runtime";
import { loadTokenizer, NoTokenizerError, type Tokenizer } from "@kvasir/tokenizer";

/** The tokenizer of a checkpoint; undefined where it has none: ids in, ids out. One that is there must load. */
export async function checkpointTokenizer(model: string): Promise<Tokenizer | undefined> {
  if (await isFile(model)) {
    return loadTokenizer(model).catch((error: unknown) => {
      if (error instanceof NoTokenizerError) return undefined;
      throw error;
    });
  }
  try {
    await access(path.join(model, "tokenizer.json"));
  } catch {
    return undefined;
  }
  return loadTokenizer(model);
}

/** Ids that end a text: of a file the tokenizer's, which adds those that it knows by name to the file's keys. */
export async function endOfText(
  model: string,
  { eosIds }: ModelConfig,
  tokenizer: Tokenizer | undefined,
): Promise<readonly number[]> {
  if (!tokenizer) return eosIds;
  return eosIds.length === 0 || (await isFile(model)) ? tokenizer.eosIds : eosIds;
}

async function isFile(model: string): Promise<boolean> {
  return (await stat(model)).isFile();
}
