export type GgufErrorCode =
  /** There is no such file. */
  | "not-found"
  /** The system refused to read or write, or the path is no regular file; the message has the reason. */
  | "io"
  /** The file does not begin with the four letters of the format. */
  | "not-gguf"
  /** Neither version 2 nor 3, or written for big-endian machines. */
  | "unsupported-version"
  /** A count, a length or an offset reaches beyond the end of the file. */
  | "truncated"
  /** A sound file could have this, but it is more than this package accepts. */
  | "limit"
  /** A metadata key or value breaks the format. */
  | "invalid-metadata"
  /** The description of a tensor breaks the format, or two tensors share bytes. */
  | "invalid-tensor"
  /** A tensor has a type whose number is not known, so that its size is not either. */
  | "unknown-tensor-type"
  /** What is to be written cannot be: the message names the argument. */
  | "invalid-argument";

/** What is wrong with a GGUF file; `code` is stable, the message names the file, the key or tensor and the cause. */
export class GgufError extends Error {
  override readonly name = "GgufError";
  readonly code: GgufErrorCode;
  readonly path: string;
  /** The metadata key at fault, where it is one key. */
  readonly key: string | undefined;
  /** The tensor at fault, where it is one tensor. */
  readonly tensor: string | undefined;

  constructor(
    code: GgufErrorCode,
    path: string,
    reason: string,
    options: { readonly key?: string; readonly tensor?: string; readonly cause?: unknown } = {},
  ) {
    const { key, tensor, cause } = options;
    const where =
      key !== undefined ? `key ${quoted(key)}: ` : tensor !== undefined ? `tensor ${quoted(tensor)}: ` : "";
    super(`${path}: ${where}${reason}`, { cause });
    this.code = code;
    this.path = path;
    this.key = key;
    this.tensor = tensor;
  }
}

/** A name from outside, in quotes and cut short, for a message. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

/** What a failed system call on `path` means; other errors come back as they are. */
export function systemError(error: unknown, path: string, verb: "read" | "written"): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") {
    const reason = verb === "read" ? "there is no such file" : "there is no such folder";
    return new GgufError("not-found", path, reason, { cause: error });
  }
  return new GgufError("io", path, `cannot be ${verb} (${code})`, { cause: error });
}
