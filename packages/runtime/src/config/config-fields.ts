import { ConfigError } from "./config-error.ts";

/**
 * The fields of a JSON object from outside, each read with its type and range checked. `null` counts as
 * absent, as in transformers. Throws `ConfigError` naming the field.
 */
export class ConfigFields {
  readonly #fields: object;
  readonly #prefix: string;

  constructor(value: unknown, name = "") {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ConfigError("invalid", name || "(the whole file)", value, "a JSON object");
    }
    this.#fields = value;
    this.#prefix = name ? `${name}.` : "";
  }

  /** The field's full name, for messages. */
  name(field: string): string {
    return this.#prefix + field;
  }

  /** Undefined where absent or null. Own properties only, so `__proto__` in a file means nothing. */
  raw(field: string): unknown {
    if (!Object.hasOwn(this.#fields, field)) return undefined;
    return (this.#fields as Record<string, unknown>)[field] ?? undefined;
  }

  /** Null counts as present here. */
  has(field: string): boolean {
    return Object.hasOwn(this.#fields, field);
  }

  /** Names of the fields that are not null. */
  present(): string[] {
    return Object.keys(this.#fields).filter((field) => this.raw(field) !== undefined);
  }

  /** A whole number from `min` to `max`; `missing` where absent without a default. */
  integer(field: string, min: number, max: number, fallback?: number): number {
    const allowed = `a whole number from ${min} to ${max}`;
    const value = this.#required(field, fallback, allowed);
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw this.invalid(field, allowed);
  }

  /** A finite number above `min` (or, with `inclusive`, at least `min`) and at most `max`. */
  number(
    field: string,
    range: { readonly min: number; readonly max: number; readonly inclusive?: boolean },
    fallback?: number,
  ): number {
    const allowed = `a number ${range.inclusive ? "from" : "above"} ${range.min} ${range.inclusive ? "to" : "and up to"} ${range.max}`;
    const value = this.#required(field, fallback, allowed);
    const above = (x: number) => (range.inclusive ? x >= range.min : x > range.min);
    if (typeof value === "number" && above(value) && value <= range.max) return value;
    throw this.invalid(field, allowed);
  }

  boolean(field: string, fallback: boolean): boolean {
    const value = this.raw(field) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.invalid(field, "true or false");
  }

  /** The object in the field, or undefined where absent. */
  object(field: string): ConfigFields | undefined {
    const value = this.raw(field);
    return value === undefined ? undefined : new ConfigFields(value, this.name(field));
  }

  invalid(field: string, allowed: string, cause?: unknown): ConfigError {
    return new ConfigError("invalid", this.name(field), this.raw(field), allowed, { cause });
  }

  unsupported(field: string, allowed: string): ConfigError {
    return new ConfigError("unsupported", this.name(field), this.raw(field), allowed);
  }

  #required(field: string, fallback: number | undefined, allowed: string): unknown {
    const value = this.raw(field) ?? fallback;
    if (value === undefined) throw new ConfigError("missing", this.name(field), undefined, allowed);
    return value;
  }
}
