import type { Tensor } from "@kvasir/kernels";
import type { ModelConfig } from "../config/model-config.ts";

/**
 * The weights of a model on disk, mapped for reading, and what its config says. Tensors are asked for by
 * their names in the Hugging Face layout, whatever the files call them.
 */
export interface Checkpoint extends Disposable {
  readonly config: ModelConfig;
  /** The folder, or the GGUF file. */
  readonly path: string;
  /** Of every tensor that a model may ask for, in the files' own words, sorted. */
  readonly names: readonly string[];
  /** Bytes of all these tensors in the files. */
  readonly weightBytes: number;
  /** What the files call the tensor, for messages. */
  nameInFile(name: string): string;
  has(name: string): boolean;
  /**
   * A view of the mapped file (or, where the file does not align floats, a copy); the caller disposes it. It
   * outlives the checkpoint. Marks `name` as used.
   * Throws `CheckpointError`: `missing-tensor`, `wrong-shape`, `unsupported-dtype`.
   */
  tensor(name: string, shape: readonly number[]): Tensor;
  /** The files' names of what `tensor()` has not given, sorted: a model that leaves any misreads the checkpoint. */
  unused(): string[];
  /** Closes the files; tensors already taken stay valid. */
  dispose(): void;
}
