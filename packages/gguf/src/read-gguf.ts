import { type ByteSource, withFile } from "./byte-source.ts";
import { Cursor } from "./cursor.ts";
import { defaultAlignment, isAlignment, limits } from "./limits.ts";
import { metadataCount, readMetadata } from "./read-metadata.ts";
import { type GgufTensor, placeTensors, readTensors, tensorCount } from "./read-tensors.ts";
import type { GgufValue } from "./value.ts";

/** What stands before the tensor data of a GGUF file, checked. */
export type GgufFile = {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Of the format: 2 or 3. */
  readonly version: number;
  /** The keys that were asked for and that the file has, in its order. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
};

export type GgufReadOptions = {
  /** Which keys to make values of; the others are checked and passed over. Default: all. */
  readonly keys?: (key: string) => boolean;
  /** Whether to read the tensor descriptions, which come after the metadata. Default: true. */
  readonly tensors?: boolean;
};

const magic = 0x46554747; // "GGUF"
const alignmentKey = "general.alignment";

/**
 * Reads the head of a GGUF file of version 2 or 3, little-endian
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md); tensor data are not read.
 *
 * Nothing in the file is trusted: every count is compared with what the rest of the file can hold before memory
 * is taken, every tensor lies inside the file, and no two share a byte. Memory stays within a small multiple of
 * the file's head. The event loop runs after every 64 KiB.
 *
 * @throws GgufError, which names the file and the key or tensor at fault.
 */
export async function readGguf(path: string, options: GgufReadOptions = {}): Promise<GgufFile> {
  return withFile(path, (source) => parseGguf(source, new Cursor(source), options));
}

/** `readGguf` from any source of bytes. */
export async function parseGguf(
  source: ByteSource,
  cursor: Cursor,
  options: GgufReadOptions = {},
): Promise<GgufFile> {
  const { keys = () => true, tensors = true } = options;
  const { path, size } = source;
  if (size < 4) throw cursor.error("not-gguf", `it has ${size} bytes, expected GGUF at its start`);
  await cursor.load(4, "its first letters");
  if (cursor.u32() !== magic) throw cursor.error("not-gguf", "it does not begin with GGUF");
  await cursor.load(4, "its version");
  const version = cursor.u32();
  if (version !== 2 && version !== 3) {
    const received = version > 0xffff ? `${version}, as of a big-endian machine` : version;
    throw cursor.error("unsupported-version", `expected version 2 or 3, received ${received}`);
  }
  await cursor.load(16, "its counts");
  const tensorsThere = tensorCount(cursor);
  const keysThere = metadataCount(cursor);
  const metadata = await readMetadata(cursor, keysThere, (key) => key === alignmentKey || keys(key));
  const alignment = alignmentOf(cursor, metadata);
  if (metadata.has(alignmentKey) && !keys(alignmentKey)) metadata.delete(alignmentKey);
  if (!tensors) return { path, size, version, metadata, tensors: new Map() };
  const described = await readTensors(cursor, tensorsThere, alignment);
  return { path, size, version, metadata, tensors: placeTensors(cursor, described, alignment) };
}

function alignmentOf(cursor: Cursor, metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get(alignmentKey) ?? defaultAlignment;
  if (isAlignment(alignment)) return alignment;
  cursor.at = { key: alignmentKey };
  const received = typeof alignment === "object" ? "an array" : JSON.stringify(String(alignment));
  throw cursor.error(
    "invalid-metadata",
    `expected a power of two up to ${limits.alignment}, received ${received}`,
  );
}
