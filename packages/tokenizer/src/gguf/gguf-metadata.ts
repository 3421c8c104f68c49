import { open } from "node:fs/promises";
import { GgufError } from "../errors.ts";
import { GgufCursor, MoreBytesNeeded } from "./gguf-cursor.ts";

/** A metadata value. Integers are numbers where exact, else bigints; numeric arrays are plain number arrays. */
export type GgufValue = number | bigint | boolean | string | string[] | number[] | boolean[];

/** The metadata of a GGUF file, restricted to the keys asked for. */
export interface GgufMetadata {
  /** Format version: 2 or 3. */
  version: number;
  values: Map<string, GgufValue>;
}

const MAGIC = 0x46554747; // "GGUF"
const FIRST_READ = 2 ** 20;
const LONGEST_METADATA = 2 ** 28;
const DEEPEST_ARRAY = 4;
const STRING = 8;
const ARRAY = 9;
const BOOL = 7;

/** Fixed-size value types of the format, by their number: size in bytes and how to read one. */
const SCALARS = new Map<
  number,
  { size: number; read: (view: DataView, at: number) => number | bigint | boolean }
>([
  [0, { size: 1, read: (view, at) => view.getUint8(at) }],
  [1, { size: 1, read: (view, at) => view.getInt8(at) }],
  [2, { size: 2, read: (view, at) => view.getUint16(at, true) }],
  [3, { size: 2, read: (view, at) => view.getInt16(at, true) }],
  [4, { size: 4, read: (view, at) => view.getUint32(at, true) }],
  [5, { size: 4, read: (view, at) => view.getInt32(at, true) }],
  [6, { size: 4, read: (view, at) => view.getFloat32(at, true) }],
  [BOOL, { size: 1, read: (view, at) => view.getUint8(at) !== 0 }],
  [10, { size: 8, read: (view, at) => exact(view.getBigUint64(at, true)) }],
  [11, { size: 8, read: (view, at) => exact(view.getBigInt64(at, true)) }],
  [12, { size: 8, read: (view, at) => view.getFloat64(at, true) }],
]);

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Parses the metadata at the head of a GGUF file (versions 2 and 3, little-endian; format:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Every length is checked against the size of the
 * file before anything is allocated, so memory stays within a small multiple of the bytes given.
 *
 * @param bytes The first bytes of the file.
 * @param wanted Which keys to keep; the others are checked and passed over.
 * @param fileSize Size of the whole file, when `bytes` is only its head.
 * @throws GgufError, or MoreBytesNeeded where the head is too short.
 */
export function parseGgufMetadata(
  bytes: Uint8Array,
  wanted: (key: string) => boolean,
  fileSize: number = bytes.length,
): GgufMetadata {
  const cursor = new GgufCursor(bytes, fileSize);
  if (cursor.u32("magic") !== MAGIC) throw new GgufError("magic: the file does not begin with GGUF");
  const version = cursor.u32("version");
  if (version !== 2 && version !== 3) {
    throw new GgufError(`version: expected 2 or 3 in little-endian, received ${version}`);
  }
  cursor.count("tensor count", 1);
  const entries = cursor.count("metadata count", 13);
  const values = new Map<string, GgufValue>();
  const seen = new Set<string>();
  for (let i = 0; i < entries; i++) {
    const key = cursor.string(`key ${i}`);
    if (seen.has(key)) throw new GgufError(`${key}: appears twice`);
    seen.add(key);
    const type = cursor.u32(`${key}: type`);
    if (wanted(key)) values.set(key, readValue(cursor, key, type));
    else skipValue(cursor, key, type, 0);
  }
  return { version, values };
}

function scalar(type: number, key: string) {
  const found = SCALARS.get(type);
  if (found === undefined) throw new GgufError(`${key}: unknown value type ${type}`);
  return found;
}

function readValue(cursor: GgufCursor, key: string, type: number): GgufValue {
  if (type === STRING) return cursor.string(key);
  if (type === ARRAY) return readArray(cursor, key);
  const { size, read } = scalar(type, key);
  return read(cursor.view(size, key), 0);
}

function readArray(cursor: GgufCursor, key: string): string[] | number[] | boolean[] {
  const type = cursor.u32(`${key}: element type`);
  if (type === STRING) {
    const count = cursor.count(`${key}: length`, 8);
    const strings: string[] = [];
    for (let i = 0; i < count; i++) strings.push(cursor.string(key));
    return strings;
  }
  if (type === ARRAY)
    throw new GgufError(`${key}: expected an array of plain values, received nested arrays`);
  const { size, read } = scalar(type, key);
  const count = cursor.count(`${key}: length`, size);
  const view = cursor.view(count * size, key);
  if (type === BOOL) return Array.from({ length: count }, (_, i) => read(view, i) === true);
  return Array.from({ length: count }, (_, i) => Number(read(view, i * size)));
}

function skipValue(cursor: GgufCursor, key: string, type: number, depth: number): void {
  if (type === STRING) cursor.skipString(key);
  else if (type === ARRAY) skipArray(cursor, key, depth);
  else cursor.take(scalar(type, key).size, key);
}

function skipArray(cursor: GgufCursor, key: string, depth: number): void {
  if (depth === DEEPEST_ARRAY) throw new GgufError(`${key}: arrays nested more than ${DEEPEST_ARRAY} deep`);
  const element = cursor.u32(`${key}: element type`);
  if (element !== STRING && element !== ARRAY) {
    const { size } = scalar(element, key);
    cursor.take(cursor.count(`${key}: length`, size) * size, key);
    return;
  }
  const count = cursor.count(`${key}: length`, element === STRING ? 8 : 12);
  for (let i = 0; i < count; i++) skipValue(cursor, key, element, depth + 1);
}

/**
 * Reads the metadata of a GGUF file from disk; the tensors behind it are never read.
 *
 * @throws GgufError, also where the metadata is longer than 256 MiB; errors of the file system as they are.
 */
export async function readGgufMetadata(
  path: string,
  wanted: (key: string) => boolean,
): Promise<GgufMetadata> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    let head = Buffer.alloc(0);
    for (let length = Math.min(size, FIRST_READ); ; ) {
      const longer = Buffer.alloc(length);
      head.copy(longer);
      for (let at = head.length; at < length; ) {
        const { bytesRead } = await file.read(longer, at, length - at, at);
        if (bytesRead === 0)
          throw new GgufError(`the file ended at ${at} of ${size} bytes while it was read`);
        at += bytesRead;
      }
      head = longer;
      try {
        return parseGgufMetadata(head, wanted, size);
      } catch (error) {
        if (!(error instanceof MoreBytesNeeded)) throw error;
        if (error.end > LONGEST_METADATA) {
          throw new GgufError(`metadata: expected at most ${LONGEST_METADATA} bytes, needs ${error.end}`);
        }
        length = Math.min(size, Math.max(error.end, length * 2));
      }
    }
  } finally {
    await file.close();
  }
}
