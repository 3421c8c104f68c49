export type GrammarErrorCode =
  /** The format is no JSON Schema, or one that no finite value satisfies. */
  | "invalid-schema"
  /** A keyword, or a use of one, that cannot be enforced; the message names it. */
  | "unsupported-schema"
  /** More than a limit of this package. */
  | "too-large"
  /** Compiling took longer than it may. */
  | "timeout"
  /** A token was accepted that the mask before it did not allow. */
  | "rejected-token"
  /** The vocabulary has no token to go on with, and the value is not complete. */
  | "dead-end"
  /** The matcher, or all of them, were disposed of. */
  | "disposed"
  /** A fault of this package. */
  | "internal";

/** What is wrong with a format or with what was drawn; `code` is stable. */
export class GrammarError extends Error {
  override readonly name = "GrammarError";
  readonly code: GrammarErrorCode;
  /** The field at fault, such as `schema.properties.age`, where it is one. */
  readonly path: string | undefined;

  /** @param reason With a path, the message is both: `schema.items: expected …`. */
  constructor(code: GrammarErrorCode, reason: string, path?: string) {
    super(path === undefined ? reason : `${path}: ${reason}`);
    this.code = code;
    this.path = path;
  }

  /** The parts that cross from one thread to another; `GrammarError.from` makes an error of them again. */
  toParts(): GrammarErrorParts {
    return { code: this.code, message: this.message, path: this.path };
  }

  static from({ code, message, path }: GrammarErrorParts): GrammarError {
    return new GrammarError(code, path === undefined ? message : message.slice(path.length + 2), path);
  }
}

export interface GrammarErrorParts {
  readonly code: GrammarErrorCode;
  readonly message: string;
  readonly path: string | undefined;
}
