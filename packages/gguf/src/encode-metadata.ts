import { limits } from "./limits.ts";
import { arrayId, boolId, type GgufWritable, numberFormats, stringId } from "./value.ts";

/** Makes the error for what cannot be written. */
export type Fail = (reason: string) => Error;

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** 64-bit length, then UTF-8. */
export function encodeString(text: unknown, limit: number, fail: Fail): Buffer {
  if (typeof text !== "string") throw fail(`expected a string, received ${typeof text}`);
  if (/\p{Surrogate}/u.test(text))
    throw fail("expected text that UTF-8 can spell, received half a character");
  const length = Buffer.byteLength(text);
  if (length > limit) throw fail(`expected text of at most ${limit} bytes, received ${length}`);
  const bytes = Buffer.allocUnsafe(8 + length);
  bytes.writeBigUInt64LE(BigInt(length));
  bytes.write(text, 8, "utf8");
  return bytes;
}

/** The type of a value and the value, as they stand after its key. */
export function encodeValue(value: GgufWritable, fail: Fail): Uint8Array[] {
  if (typeof value === "string") return [u32(stringId), encodeString(value, limits.string, fail)];
  if (typeof value === "boolean") return [u32(boolId), Buffer.of(Number(value))];
  if (Array.isArray(value)) return encodeList(value, fail);
  const array = numberFormats.find((format) => format.is(value));
  if (array?.is(value)) return [u32(arrayId), u32(array.id), u64(value.length), array.to(value)];
  const { type, value: number } = (value ?? {}) as { type?: unknown; value?: unknown };
  const format = numberFormats.find((format) => format.type === type);
  if (!format || (typeof number !== "number" && typeof number !== "bigint")) {
    const received = typeof value === "number" ? "a number without its type" : typeof value;
    throw fail(`expected a boolean, a string, an array or { type, value }, received ${received}`);
  }
  const numbers = format.of(number);
  if (!numbers) throw fail(`expected a number that ${format.type} holds, received ${number}`);
  return [u32(format.id), format.to(numbers)];
}

function encodeList(list: readonly unknown[], fail: Fail): Uint8Array[] {
  const head = (id: number) => [u32(arrayId), u32(id), u64(list.length)];
  if (typeof list[0] !== "boolean") {
    return [...head(stringId), ...list.map((text) => encodeString(text, limits.string, fail))];
  }
  const bad = list.findIndex((value) => typeof value !== "boolean");
  if (bad >= 0) throw fail(`expected booleans only, received ${typeof list[bad]} at ${bad}`);
  return [...head(boolId), Uint8Array.from(list, Number)];
}
