/** Everything this package throws: `code` is stable, the message names the field and what was received. */
export class PagedMemoryError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The pool has fewer free pages than an operation takes. Thrown before anything changed. */
export class OutOfPagesError extends PagedMemoryError {
  /** Pages that the operation takes. */
  readonly needed: number;
  /** Pages that were free. */
  readonly free: number;
  constructor(needed: number, free: number) {
    super("OUT_OF_PAGES", `Out of pages: ${needed} needed, ${free} free.`);
    this.needed = needed;
    this.free = free;
  }
}

/** A page id that the pool does not have, or that nobody holds (a release too many). */
export class InvalidPageError extends PagedMemoryError {
  readonly page: number;
  constructor(page: number, reason: string) {
    super("INVALID_PAGE", `Page ${page}: ${reason}.`);
    this.page = page;
  }
}

/** An argument out of its range; nothing changed. */
export class InvalidArgumentError extends PagedMemoryError {
  readonly field: string;
  constructor(field: string, expected: string, received: unknown) {
    super("INVALID_ARGUMENT", `${field}: expected ${expected}, received ${String(received)}.`);
    this.field = field;
  }
}

/** A call that the object cannot serve in its present state; nothing changed. */
export class InvalidStateError extends PagedMemoryError {
  constructor(message: string) {
    super("INVALID_STATE", message);
  }
}

/** The object was used after `dispose()`. */
export class DisposedError extends PagedMemoryError {
  constructor(what: string) {
    super("DISPOSED", `${what} was used after dispose().`);
  }
}

/** A handle of another tree, of evicted blocks, or unlocked more often than locked. */
export class InvalidHandleError extends PagedMemoryError {
  constructor(message: string) {
    super("INVALID_HANDLE", message);
  }
}

/** Pages, page tables and reference counts contradict each other: a bug of this package or of its caller. */
export class IntegrityError extends PagedMemoryError {
  /** One line per difference that was found. */
  readonly differences: readonly string[];
  constructor(differences: readonly string[]) {
    const shown = differences.slice(0, 10).join("; ");
    const rest = differences.length > 10 ? `; and ${differences.length - 10} more` : "";
    super("INTEGRITY", `Page accounting is broken: ${shown}${rest}.`);
    this.differences = differences;
  }
}

/** Throws unless `value` is an integer in `minimum..maximum`. */
export function requireInteger(
  field: string,
  value: number,
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): number {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    const range =
      maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `in ${minimum}..${maximum}`;
    throw new InvalidArgumentError(field, `an integer ${range}`, value);
  }
  return value;
}
