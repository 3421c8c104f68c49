export type ConfigErrorCode =
  /** A field that has no default is absent. */
  | "missing"
  /** A value of the wrong type or outside its range, or one that contradicts another field. */
  | "invalid"
  /** A well-formed value that names something which Kvasir does not do. */
  | "unsupported";

/** A config.json that does not load; `code` is stable, the message has all four parts in words. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  /** As in the file, with dots: `rope_scaling.factor`. */
  readonly field: string;
  readonly received: unknown;
  /** What would have been accepted, in words. */
  readonly allowed: string;
  /** The file, where it is known. */
  readonly path: string | undefined;
  constructor(
    code: ConfigErrorCode,
    field: string,
    received: unknown,
    allowed: string,
    options: { readonly path?: string; readonly cause?: unknown } = {},
  ) {
    const file = options.path === undefined ? "" : `${options.path}: `;
    super(`${file}${field}: expected ${allowed}, received ${shown(received)}`, { cause: options.cause });
    this.code = code;
    this.field = field;
    this.received = received;
    this.allowed = allowed;
    this.path = options.path;
  }
}

/** A value from outside, cut short so that a hostile file cannot fill a log. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
