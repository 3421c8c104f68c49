import type { Cursor } from "./cursor.ts";
import { limits } from "./limits.ts";
import { arrayId, boolId, type GgufArray, type GgufValue, numberFormats, stringId } from "./value.ts";

const byId = new Map(numberFormats.map((format) => [format.id, format]));
/** A key without a letter, the number of its type, and one byte. */
const leastEntry = 8 + 4 + 1;

/** Reads `count` keys and the values of those that are wanted; the others are checked and passed over. */
export async function readMetadata(
  cursor: Cursor,
  count: number,
  wanted: (key: string) => boolean,
): Promise<Map<string, GgufValue>> {
  const values = new Map<string, GgufValue>();
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    cursor.at = {};
    const key = await cursor.string(limits.key, `the key of metadata ${i}`);
    cursor.at = { key };
    cursor.keep(key.length);
    if (seen.has(key)) throw cursor.error("invalid-metadata", "appears twice");
    seen.add(key);
    await cursor.load(4, "its type");
    const type = cursor.u32();
    if (wanted(key)) values.set(key, await readValue(cursor, type));
    else await skipValue(cursor, type, 0);
  }
  cursor.at = {};
  return values;
}

/** The 64-bit count of keys, checked. */
export function metadataCount(cursor: Cursor): number {
  const count = cursor.count(leastEntry, "a count of keys");
  if (count <= limits.keys) return count;
  throw cursor.error("limit", `it has ${count} keys, expected at most ${limits.keys}`);
}

/** Bytes of one value of fixed size. */
function fixedBytes(cursor: Cursor, type: number): number {
  const bytes = type === boolId ? 1 : byId.get(type)?.bytes;
  if (bytes === undefined) throw cursor.error("invalid-metadata", `has the unknown value type ${type}`);
  return bytes;
}

async function readValue(cursor: Cursor, type: number): Promise<GgufValue> {
  if (type === arrayId) return readArray(cursor);
  if (type === stringId) {
    const text = await cursor.string(limits.string, "its text");
    cursor.keep(text.length);
    return text;
  }
  const array = await readFixed(cursor, type, 1);
  return exact(array[0]!);
}

function exact(value: GgufArray[number]): number | bigint | boolean | string {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

async function readArray(cursor: Cursor): Promise<GgufArray> {
  const { type, count } = await arrayHead(cursor);
  if (type === arrayId) {
    throw cursor.error("limit", "is an array of arrays, of which no value is made: leave it out of the keys");
  }
  if (type !== stringId) return readFixed(cursor, type, count);
  const strings: string[] = [];
  for (let i = 0; i < count; i++) {
    const length = cursor.load(8, "a string");
    if (length) await length;
    const bytes = cursor.count(1, "the length of a string");
    if (bytes > limits.string) {
      throw cursor.error("limit", `has a string of ${bytes} bytes, expected at most ${limits.string}`);
    }
    const text = cursor.load(bytes, "a string");
    if (text) await text;
    cursor.keep(8 + bytes);
    strings.push(cursor.text(bytes, "a string"));
  }
  return strings;
}

/** Type and number of the elements; the file has at least as many bytes as these need. */
async function arrayHead(cursor: Cursor): Promise<{ type: number; count: number }> {
  await cursor.load(12, "an array");
  const type = cursor.u32();
  const least = type === arrayId ? 12 : type === stringId ? 8 : fixedBytes(cursor, type);
  return { type, count: cursor.count(least, "a length") };
}

async function readFixed(cursor: Cursor, type: number, count: number): Promise<GgufArray> {
  const format = byId.get(type);
  const length = count * fixedBytes(cursor, type);
  // An element of a plain array takes 8 bytes.
  cursor.keep(format ? length : length * 8);
  const bytes = await cursor.bytes(length, "its value");
  if (format) return format.from(bytes);
  const bad = bytes.find((byte) => byte > 1);
  if (bad !== undefined) throw cursor.error("invalid-metadata", `has a boolean of ${bad}, expected 0 or 1`);
  return Array.from(bytes, (byte) => byte === 1);
}

async function skipValue(cursor: Cursor, type: number, depth: number): Promise<void> {
  if (type === arrayId) return skipArray(cursor, depth);
  if (type !== stringId) return cursor.skip(fixedBytes(cursor, type), "its value");
  return skipString(cursor);
}

async function skipArray(cursor: Cursor, depth: number): Promise<void> {
  if (depth === limits.depth) {
    throw cursor.error("limit", `has arrays nested more than ${limits.depth} deep`);
  }
  const { type, count } = await arrayHead(cursor);
  if (type !== stringId && type !== arrayId) {
    return cursor.skip(count * fixedBytes(cursor, type), "its value");
  }
  for (let i = 0; i < count; i++) {
    // A promise for each string of a vocabulary would take longer than the rest.
    const skipped = type === stringId ? skipString(cursor) : skipArray(cursor, depth + 1);
    if (skipped) await skipped;
  }
}

/** A promise where bytes have to be read first. */
function skipString(cursor: Cursor): Promise<void> | undefined {
  const pass = () => cursor.skip(cursor.count(1, "its length"), "its text");
  const length = cursor.load(8, "its text");
  if (length) return length.then(pass);
  pass();
  return undefined;
}
