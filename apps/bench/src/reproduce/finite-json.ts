import type { JsonValue } from "./figure.ts";

/**
 * A copy of a value as JSON keeps it, so that a result that was saved is the same as one that was not. Throws
 * `RangeError` where a number is not finite, which JSON would make a null.
 */
export function finiteJson(value: JsonValue): JsonValue {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (typeof part === "number" && !Number.isFinite(part)) {
      throw new RangeError(`${key || "result"}: expected a finite number, received ${part}`);
    }
    return part;
  });
  return JSON.parse(text) as JsonValue;
}
