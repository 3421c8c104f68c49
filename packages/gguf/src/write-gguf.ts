import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { encodeString, encodeValue, u32, u64 } from "./encode-metadata.ts";
import { GgufError, systemError } from "./gguf-error.ts";
import { alignedUp, defaultAlignment, isAlignment, limits } from "./limits.ts";
import { type GgufTensorType, isGgufTensorType, tensorBytes, tensorTypeNumber } from "./tensor-type.ts";
import type { GgufWritable } from "./value.ts";

/** A tensor to be written. */
export type GgufTensorSource = {
  /** 1 to 256 bytes, different from all others. */
  readonly name: string;
  readonly type: GgufTensorType;
  /** Row-major, outermost dimension first; the last one must be whole blocks of the type. */
  readonly shape: readonly number[];
  /** Its bytes as they are on disk, in pieces of any size. Called once, when its turn comes. */
  readonly data: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
};

/** What a file is made of, in the order in which it is written. */
export type GgufContent = {
  /** Keys and values, for example a Map. `general.alignment`, a u32, sets the alignment of the data (else 32). */
  readonly metadata: Iterable<readonly [key: string, value: GgufWritable]>;
  readonly tensors?: readonly GgufTensorSource[];
};

type Placed = GgufTensorSource & { readonly bytes: number; readonly offset: number };

/**
 * Writes a GGUF file of version 3, little-endian. Tensor data are asked for one piece at a time, so a file may be
 * larger than memory. The file appears under its name, in the place of one that was there, when it is complete; a
 * failure leaves nothing behind.
 *
 * @param onProgress Called after every piece with the bytes written and the bytes of the whole file.
 * @throws GgufError `invalid-argument` for what `readGguf` would refuse and where a tensor yields more or fewer
 * bytes than its shape needs, `not-found` or `io` where the system fails; what `data` throws, as it is.
 */
export async function writeGguf(
  path: string,
  content: GgufContent,
  onProgress: (written: number, total: number) => void = () => {},
): Promise<void> {
  const { head, tensors, alignment } = encodeHead(path, content);
  const last = tensors.at(-1);
  const total = head.length + (last ? alignedUp(last.offset + last.bytes, alignment) : 0);
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    const file = await open(partial, "wx");
    try {
      let written = 0;
      const write = async (bytes: Uint8Array) => {
        await writeAll(file, bytes);
        written += bytes.length;
        onProgress(written, total);
      };
      await write(head);
      for (const tensor of tensors) {
        await writeTensor(path, tensor, write);
        const padding = alignedUp(tensor.bytes, alignment) - tensor.bytes;
        if (padding > 0) await write(new Uint8Array(padding));
      }
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    // It may never have been there.
    await rm(partial, { force: true }).catch(() => {});
    throw systemError(error, path, "written");
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, Math.min(bytes.length - done, 2 ** 30))).bytesWritten;
  }
}

async function writeTensor(
  path: string,
  { name, bytes, data }: Placed,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const fail = (reason: string) => new GgufError("invalid-argument", path, reason, { tensor: name });
  let received = 0;
  for await (const piece of data()) {
    if (!(piece instanceof Uint8Array)) throw fail("expected its data in pieces of Uint8Array");
    received += piece.length;
    if (received > bytes) throw fail(`expected ${bytes} bytes of data, received more`);
    await write(piece);
  }
  if (received < bytes) throw fail(`expected ${bytes} bytes of data, received ${received}`);
}

/** All that stands before the data, padded, and where in the data each tensor goes. */
function encodeHead(
  path: string,
  { metadata, tensors = [] }: GgufContent,
): { head: Buffer; tensors: Placed[]; alignment: number } {
  const invalid = (reason: string, at?: { key: string } | { tensor: string }) =>
    new GgufError("invalid-argument", path, reason, at);
  const pieces: Uint8Array[] = [];
  const keys = new Set<string>();
  let alignment: number = defaultAlignment;
  for (const [key, value] of metadata) {
    const fail = (reason: string) => invalid(reason, { key: String(key) });
    if (keys.has(key)) throw fail("appears twice");
    pieces.push(encodeString(key, limits.key, fail));
    for (const piece of encodeValue(value, fail)) pieces.push(piece);
    keys.add(key);
    if (key === "general.alignment") alignment = alignmentOf(value, fail);
  }
  if (keys.size > limits.keys) throw invalid(`expected at most ${limits.keys} keys, received ${keys.size}`);
  if (tensors.length > limits.tensors) {
    throw invalid(`expected at most ${limits.tensors} tensors, received ${tensors.length}`);
  }
  const placed = placeTensors(tensors, alignment, (reason, tensor) => invalid(reason, { tensor }));
  for (const { name, type, shape, offset } of placed) {
    const sizes = shape.toReversed().map(u64);
    const fail = (reason: string) => invalid(reason, { tensor: name });
    pieces.push(encodeString(name, limits.name, fail), u32(shape.length), ...sizes);
    pieces.push(u32(tensorTypeNumber(type)), u64(offset));
  }
  pieces.unshift(Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(keys.size));
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (bytes > limits.header) {
    throw invalid(`expected at most ${limits.header} bytes before the tensor data, received ${bytes}`);
  }
  return { head: Buffer.concat(pieces, alignedUp(bytes, alignment)), tensors: placed, alignment };
}

function alignmentOf(value: GgufWritable, fail: (reason: string) => Error): number {
  const { type, value: alignment } = value as { type?: unknown; value?: unknown };
  if (type === "u32" && isAlignment(alignment)) return alignment;
  throw fail(`expected a u32 that is a power of two up to ${limits.alignment}`);
}

function placeTensors(
  tensors: readonly GgufTensorSource[],
  alignment: number,
  fail: (reason: string, tensor: string) => Error,
): Placed[] {
  const names = new Set<string>();
  let offset = 0;
  return tensors.map((tensor) => {
    const { name, type, shape, data } = tensor;
    if (names.has(name)) throw fail("appears twice", name);
    names.add(name);
    if (name === "") throw fail("expected a name", name);
    if (!isGgufTensorType(type)) throw fail(`expected a tensor type of ggml, received ${String(type)}`, name);
    const bytes = tensorBytes(type, shape);
    if (typeof bytes === "string") throw fail(bytes, name);
    if (typeof data !== "function") throw fail("expected a function that gives its data", name);
    const placed = { ...tensor, bytes, offset };
    offset = alignedUp(offset + bytes, alignment);
    if (!Number.isSafeInteger(offset)) throw fail("ends beyond what an offset can say", name);
    return placed;
  });
}
