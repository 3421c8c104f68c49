/** What a text must be. Both kinds allow nothing after the value. */
export type JsonFormat =
  /** An object with any members. */
  | { readonly type: "json-object" }
  /** A value that a JSON Schema (draft 2020-12) describes; true is any value. */
  | { readonly type: "json-schema"; readonly schema: Readonly<Record<string, unknown>> | boolean };

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export type JsonObject = { readonly [key: string]: JsonValue };

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
