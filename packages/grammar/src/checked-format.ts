import { GrammarError } from "./grammar-error.ts";
import type { JsonFormat } from "./json-format.ts";
import { limits } from "./limits.ts";
import { pathOf } from "./schema-path.ts";

/** A format that has been found to be plain JSON within limits, as text; equal formats have equal text. */
export type FormatText =
  | { readonly type: "json-object" }
  | { readonly type: "json-schema"; readonly text: string };

/**
 * The format as text. Nothing is taken from it but own enumerable properties; `undefined` in an object counts as
 * absent, as in `JSON.stringify`. Throws `GrammarError`.
 */
export function checkedFormat(format: JsonFormat): FormatText {
  if (typeof format !== "object" || format === null) {
    throw new GrammarError("invalid-schema", "expected an object with a type", "format");
  }
  if (format.type === "json-object") return { type: "json-object" };
  if (format.type !== "json-schema") {
    throw new GrammarError("invalid-schema", 'expected "json-object" or "json-schema"', "type");
  }
  const { schema } = format;
  if (
    typeof schema !== "boolean" &&
    (typeof schema !== "object" || schema === null || Array.isArray(schema))
  ) {
    throw new GrammarError("invalid-schema", "expected an object or a boolean", "schema");
  }
  return { type: "json-schema", text: JSON.stringify(new PlainCopy().of(schema, "schema", 1)) };
}

/** The schema's text, where there is one. */
export function textOf(format: FormatText): string | undefined {
  return format.type === "json-schema" ? format.text : undefined;
}

/** Copies a value piece by piece, so that a limit ends it before much is taken. */
class PlainCopy {
  #values = 0;
  #characters = 0;

  of(value: unknown, path: string, depth: number): unknown {
    if (++this.#values > limits.schemaValues) {
      throw new GrammarError("too-large", `expected at most ${limits.schemaValues} values`, "schema");
    }
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") return this.#text(value, path);
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (typeof value !== "object") {
      throw new GrammarError("invalid-schema", `expected JSON, received ${typeof value}`, path);
    }
    if (depth > limits.schemaDepth) {
      throw new GrammarError("too-large", `expected at most ${limits.schemaDepth} levels`, path);
    }
    if (Array.isArray(value)) {
      if (value.length > limits.schemaValues) {
        throw new GrammarError("too-large", `expected at most ${limits.schemaValues} values`, path);
      }
      return Array.from(value, (item, index) => this.of(item, pathOf(path, index), depth + 1));
    }
    // Without a prototype, so that no key is special.
    const copy: Record<string, unknown> = Object.create(null);
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue;
      const member = (value as Record<string, unknown>)[key];
      if (member === undefined) continue;
      copy[this.#text(key, path)] = this.of(member, pathOf(path, key), depth + 1);
    }
    return copy;
  }

  #text(text: string, path: string): string {
    this.#characters += text.length;
    if (this.#characters > limits.schemaCharacters) {
      const expected = `expected at most ${limits.schemaCharacters} characters in all`;
      throw new GrammarError("too-large", expected, path);
    }
    return text;
  }
}
