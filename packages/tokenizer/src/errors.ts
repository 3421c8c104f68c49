/** Base of every error of this package: `code` is stable and safe to switch on, `message` is for people. */
export class TokenizerError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A file of a checkpoint is missing, too large, or does not hold what it must (`tokenizer_file`). */
export class TokenizerFileError extends TokenizerError {
  constructor(message: string, options?: ErrorOptions) {
    super("tokenizer_file", message, options);
  }
}

/**
 * A GGUF file cannot be read, breaks its own format, or holds no sound vocabulary (`gguf_malformed`). `cause` is
 * the error of @kvasir/gguf where that found the fault.
 */
export class GgufError extends TokenizerError {
  constructor(message: string, options?: ErrorOptions) {
    super("gguf_malformed", message, options);
  }
}

/** A sound GGUF file has weights but no vocabulary: its model takes and gives token ids (`tokenizer_missing`). */
export class NoTokenizerError extends TokenizerError {
  constructor(path: string) {
    super("tokenizer_missing", `${path}: has no vocabulary, of which a tokenizer could be made`);
  }
}

/** A sound file asks for a kind of tokenizer that this package does not have (`tokenizer_unsupported`). */
export class UnsupportedTokenizerError extends TokenizerError {
  constructor(message: string) {
    super("tokenizer_unsupported", message);
  }
}

/** A token id outside `0 .. vocabSize - 1`, or not an integer (`token_id`). */
export class TokenIdError extends TokenizerError {
  constructor(id: unknown, vocabSize: number) {
    super("token_id", `token id: expected an integer in 0..${vocabSize - 1}, received ${String(id)}`);
  }
}

/** An argument of this package's own functions is wrong (`tokenizer_option`). */
export class TokenizerOptionError extends TokenizerError {
  constructor(message: string) {
    super("tokenizer_option", message);
  }
}

/** Text that the vocabulary cannot spell: it has no token for a byte and no unknown token (`tokenizer_text`). */
export class TokenizerTextError extends TokenizerError {
  constructor(message: string) {
    super("tokenizer_text", message);
  }
}

/** A chat template does not parse, refused its messages (`raise_exception`), or failed (`template_error`). */
export class TemplateError extends TokenizerError {
  constructor(message: string, options?: ErrorOptions) {
    super("template_error", message, options);
  }
}

/** A chat template went over a limit on steps, depth, or size (`template_limit`). */
export class TemplateLimitError extends TokenizerError {
  /** Which limit: a key of `TemplateLimits`. */
  readonly limit: string;

  constructor(limit: string, allowed: number, hint = "") {
    super("template_limit", `chat template: over the limit ${limit} = ${allowed}${hint && ` (${hint})`}`);
    this.limit = limit;
  }
}
