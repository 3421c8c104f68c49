import { access, stat } from "node:fs/promises";
import path from "node:path";
import type { ModelConfig } from "@kvasir/runtime";
import { loadTokenizer, NoTokenizerError, type Tokenizer } from "@kvasir/tokenizer";

/** How a checkpoint's text is read and written. */
export type CheckpointText = {
  /** Undefined for a checkpoint without one: ids in, ids out. */
  readonly tokenizer: Tokenizer | undefined;
  /** Ids that end a text. */
  readonly eosIds: readonly number[];
};

/** The tokenizer of a checkpoint that has been loaded. One that is there must load. */
export async function checkpointText(model: string, { eosIds }: ModelConfig): Promise<CheckpointText> {
  if ((await stat(model)).isFile()) {
    const tokenizer = await loadTokenizer(model).catch((error: unknown) => {
      if (error instanceof NoTokenizerError) return undefined;
      throw error;
    });
    // It knows those of the file's keys, and by their names others that end a turn.
    return { tokenizer, eosIds: tokenizer?.eosIds ?? eosIds };
  }
  try {
    await access(path.join(model, "tokenizer.json"));
  } catch {
    return { tokenizer: undefined, eosIds };
  }
  const tokenizer = await loadTokenizer(model);
  return { tokenizer, eosIds: eosIds.length > 0 ? eosIds : tokenizer.eosIds };
}
