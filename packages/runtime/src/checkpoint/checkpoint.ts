import type { Device, Tensor } from "@kvasir/kernels";
import type { ModelConfig } from "../config/model-config.ts";
import { CheckpointError } from "./checkpoint-error.ts";

/** The weights of a model on disk, mapped for reading, and what its config says. */
export interface Checkpoint extends Disposable {
  readonly config: ModelConfig;
  /** The folder. */
  readonly path: string;
  /** Of every tensor in the files, sorted. */
  readonly names: readonly string[];
  /** Bytes of all tensors in the files. */
  readonly weightBytes: number;
  has(name: string): boolean;
  /**
   * A view of the mapped file; the caller disposes it. It outlives the checkpoint. Marks `name` as used.
   * Throws `CheckpointError`: `missing-tensor`, `wrong-shape`, `unsupported-dtype` (not F32, F16 or BF16).
   */
  tensor(name: string, shape: readonly number[]): Tensor;
  /** Names that `tensor()` was never asked for, sorted: a model that leaves any misreads the checkpoint. */
  unused(): string[];
  /** Closes the files; tensors already taken stay valid. */
  dispose(): void;
}

/**
 * Opens a folder in the Hugging Face layout: `config.json`, optionally `generation_config.json`, and
 * `model.safetensors` or the shards that `model.safetensors.index.json` lists. Reads headers only.
 * Nothing in the files is trusted: throws `CheckpointError` or `ConfigError`, naming file and cause.
 */
export async function openCheckpoint(path: string, _device: Device): Promise<Checkpoint> {
  throw new CheckpointError("io", path, "reading is not built yet");
}
