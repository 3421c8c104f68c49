export type ModelErrorCode =
  /** An option outside its range, or one that this model has no use for. */
  | "invalid-option"
  /** The checkpoint has tensors that the model does not use: it would be misread. */
  | "leftover-weights"
  /** Used after `dispose()`. */
  | "disposed";

/** `code` is stable; the message names the option or the tensors. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code: ModelErrorCode;
  constructor(code: ModelErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
