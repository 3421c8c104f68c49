export type CheckpointErrorCode =
  /** The path, or a file that the folder must have, is not there. */
  | "not-found"
  /** The path is there, but is neither a folder nor a GGUF file. */
  | "not-a-directory"
  /** The system refused to read; the message has its reason. */
  | "io"
  /** A JSON file does not parse, or is larger than any honest one. */
  | "invalid-json"
  /** A safetensors or GGUF file breaks its format. */
  | "corrupt"
  /** model.safetensors.index.json disagrees with itself or with the shards. */
  | "invalid-index"
  | "missing-tensor"
  | "wrong-shape"
  /** A tensor that was asked for has a number format that does not load. */
  | "unsupported-dtype"
  | "disposed";

/** What is wrong with a checkpoint's files; `code` is stable, the message names the file and the cause. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  readonly code: CheckpointErrorCode;
  /** The file or folder at fault. */
  readonly path: string;
  /** The tensor at fault, where it is one tensor. */
  readonly tensor: string | undefined;
  constructor(
    code: CheckpointErrorCode,
    path: string,
    reason: string,
    options: { readonly tensor?: string; readonly cause?: unknown } = {},
  ) {
    super(`${path}: ${reason}`, { cause: options.cause });
    this.code = code;
    this.path = path;
    this.tensor = options.tensor;
  }
}
