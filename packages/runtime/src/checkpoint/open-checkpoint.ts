import type { Device } from "@kvasir/kernels";
import type { Checkpoint } from "./checkpoint.ts";
import { checkpointKind } from "./checkpoint-kind.ts";
import { openFolder } from "./open-folder.ts";
import { openGguf } from "./open-gguf.ts";

/**
 * Opens a folder in the Hugging Face layout (`config.json`, optionally `generation_config.json`, and
 * `model.safetensors` or the shards that `model.safetensors.index.json` lists), or a GGUF file, known by its
 * first bytes. Reads headers only. Nothing in the files is trusted: throws `CheckpointError` or
 * `ConfigError`, naming file and cause.
 */
export async function openCheckpoint(path: string, device: Device): Promise<Checkpoint> {
  return (await checkpointKind(path)) === "gguf" ? openGguf(path, device) : openFolder(path, device);
}
