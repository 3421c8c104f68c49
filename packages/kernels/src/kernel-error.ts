export type KernelErrorCode =
  | "invalid-argument"
  | "out-of-memory"
  | "unsupported"
  | "io"
  | "disposed"
  | "internal";

/** Every error of this package; `code` is stable, the message names what was wrong. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly code: KernelErrorCode;
  constructor(code: KernelErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
