import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "./checkpoint-error.ts";
import { checkpointKind } from "./checkpoint-kind.ts";
import { readGgufHead } from "./open-gguf.ts";
import { orMissing } from "./or-missing.ts";
import { readExactly, withFile } from "./safetensors-file.ts";
import { type ByteRange, sampledRanges } from "./sampled-ranges.ts";
import { weightFileNames } from "./shards.ts";

/** What the model and its tokenizer are, in a folder; those that are there count, whole. */
const descriptions = [
  "chat_template.jinja",
  "config.json",
  "generation_config.json",
  "special_tokens_map.json",
  "tokenizer.json",
  "tokenizer_config.json",
];
/** Bytes of each; the tokenizers that load are no larger. */
const descriptionLimit = 2 ** 27;
/** Read and hashed at a time, so that the event loop goes on. */
const chunkBytes = 2 ** 18;

/**
 * A name for a checkpoint (a folder in the Hugging Face layout, or a GGUF file) by what is in it, wherever it lies: the
 * hex SHA-256 of its description (a folder's config, tokenizer and chat template; all that stands before a GGUF file's
 * tensors), and of each weight file's size, first and last MiB and 64 pieces of 4 KiB between them. Reading that takes
 * milliseconds, not minutes; who changes other bytes of the weights is not found out. Throws `CheckpointError`.
 */
export async function checkpointFingerprint(path: string): Promise<string> {
  const hash = createHash("sha256").update("kvasir checkpoint 1\n");
  if ((await checkpointKind(path)) === "gguf") await addGguf(hash, path);
  else await addFolder(hash, path);
  return hash.digest("hex");
}

async function addGguf(hash: Hash, path: string): Promise<void> {
  const { size, tensors } = await readGgufHead(path);
  let head = size;
  for (const { offset } of tensors.values()) head = Math.min(head, offset);
  await withFile(path, async (handle, size) => {
    hash.update(`gguf ${size} ${head}\n`);
    await addRanges(hash, handle, path, [{ start: 0, end: head }, ...sampledRanges(size)]);
  });
}

async function addFolder(hash: Hash, folder: string): Promise<void> {
  for (const name of descriptions) {
    const path = join(folder, name);
    const adding = withFile(path, async (handle, size) => {
      if (size > descriptionLimit) {
        const reason = `it has ${size} bytes, expected at most ${descriptionLimit}`;
        throw new CheckpointError("invalid-json", path, reason);
      }
      hash.update(`description ${name} ${size}\n`);
      await addRanges(hash, handle, path, [{ start: 0, end: size }]);
    });
    await orMissing(adding);
  }
  for (const name of (await weightFileNames(folder)).sort()) {
    const path = join(folder, name);
    await withFile(path, async (handle, size) => {
      hash.update(`weights ${name} ${size}\n`);
      await addRanges(hash, handle, path, sampledRanges(size));
    });
  }
}

/** How long the ranges are follows from what was hashed before, so that no two checkpoints hash the same bytes. */
async function addRanges(hash: Hash, handle: FileHandle, path: string, ranges: readonly ByteRange[]) {
  for (const { start, end } of ranges) {
    for (let at = start; at < end; at += chunkBytes) {
      hash.update(await readExactly(handle, path, at, Math.min(chunkBytes, end - at)));
    }
  }
}
