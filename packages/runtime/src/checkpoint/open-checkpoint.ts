import { stat } from "node:fs/promises";
import type { Device } from "@kvasir/kernels";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { openFolder } from "./open-folder.ts";
import { openGguf } from "./open-gguf.ts";
import { readExactly, withFile } from "./safetensors-file.ts";
import { systemError } from "./system-error.ts";

/**
 * Opens a folder in the Hugging Face layout (`config.json`, optionally `generation_config.json`, and
 * `model.safetensors` or the shards that `model.safetensors.index.json` lists), or a GGUF file, known by its
 * first bytes. Reads headers only. Nothing in the files is trusted: throws `CheckpointError` or
 * `ConfigError`, naming file and cause.
 */
export async function openCheckpoint(path: string, device: Device): Promise<Checkpoint> {
  const found = await stat(path).catch((error) => {
    const failure = systemError(error, path);
    if (!(failure instanceof CheckpointError) || failure.code !== "not-found") throw failure;
    throw new CheckpointError("not-found", path, "there is no such folder or file", { cause: error });
  });
  if (found.isDirectory()) return openFolder(path, device);
  if (found.isFile() && (await beginsAsGguf(path))) return openGguf(path, device);
  const reason = "expected a folder with config.json and weights, or a GGUF file";
  throw new CheckpointError("not-a-directory", path, reason);
}

async function beginsAsGguf(path: string): Promise<boolean> {
  return withFile(path, async (handle, size) => {
    if (size < 4) return false;
    return Buffer.from(await readExactly(handle, path, 0, 4)).toString("latin1") === "GGUF";
  });
}
