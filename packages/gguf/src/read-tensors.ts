import type { Cursor } from "./cursor.ts";
import { alignedUp, limits } from "./limits.ts";
import { type GgufTensorType, tensorBytes, tensorTypeOf } from "./tensor-type.ts";

/** Where a tensor is and how it is stored. */
export type GgufTensor = {
  readonly name: string;
  readonly type: GgufTensorType;
  /** Row-major, outermost dimension first: the reverse of ggml's `ne`. 1 to 4 sizes of at least 1. */
  readonly shape: readonly number[];
  /** Of its first byte in the file, a multiple of the file's alignment. */
  readonly offset: number;
  /** Length of its data, all of which are in the file and belong to no other tensor. */
  readonly bytes: number;
};

/** Length of a name, number of dimensions, one dimension, type, offset. */
const leastDescription = 8 + 4 + 8 + 4 + 8;

/** The 64-bit count of tensors, checked. */
export function tensorCount(cursor: Cursor): number {
  const count = cursor.count(leastDescription, "a count of tensors");
  if (count <= limits.tensors) return count;
  throw cursor.error("limit", `it has ${count} tensors, expected at most ${limits.tensors}`);
}

/** Reads `count` descriptions. Offsets still count from the start of the data. */
export async function readTensors(
  cursor: Cursor,
  count: number,
  alignment: number,
): Promise<Map<string, GgufTensor>> {
  const tensors = new Map<string, GgufTensor>();
  for (let i = 0; i < count; i++) {
    cursor.at = {};
    const name = await cursor.string(limits.name, `the name of tensor ${i}`);
    cursor.at = { tensor: name };
    if (name === "") throw cursor.error("invalid-tensor", "expected a name");
    if (tensors.has(name)) throw cursor.error("invalid-tensor", "appears twice");
    cursor.allocated += leastDescription + name.length;
    tensors.set(name, await readTensor(cursor, name, alignment));
  }
  cursor.at = {};
  return tensors;
}

async function readTensor(cursor: Cursor, name: string, alignment: number): Promise<GgufTensor> {
  await cursor.load(4, "its number of dimensions");
  const rank = cursor.u32();
  if (rank > limits.rank) {
    throw cursor.error("invalid-tensor", `expected 1 to ${limits.rank} dimensions, received ${rank}`);
  }
  await cursor.load(rank * 8 + 12, "its description");
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) shape.unshift(cursor.u64() ?? Number.POSITIVE_INFINITY);
  const number = cursor.u32();
  const type = tensorTypeOf(number);
  if (type === undefined) throw cursor.error("unknown-tensor-type", `has the unknown type ${number}`);
  const bytes = tensorBytes(type, shape);
  if (typeof bytes === "string") throw cursor.error("invalid-tensor", bytes);
  const offset = cursor.u64() ?? Number.POSITIVE_INFINITY;
  if (offset % alignment !== 0) {
    const reason = `expected an offset that is a multiple of ${alignment}, received ${offset}`;
    throw cursor.error("invalid-tensor", reason);
  }
  return { name, type, shape, offset, bytes };
}

/** The same tensors at their place in the file, which begins after the description that the cursor has passed. */
export function placeTensors(
  cursor: Cursor,
  tensors: ReadonlyMap<string, GgufTensor>,
  alignment: number,
): Map<string, GgufTensor> {
  const start = alignedUp(cursor.position, alignment);
  const end = cursor.position + cursor.remaining;
  const placed = new Map<string, GgufTensor>();
  for (const [name, tensor] of tensors) {
    cursor.at = { tensor: name };
    const offset = start + tensor.offset;
    if (offset + tensor.bytes > end) {
      const reason = `its ${tensor.bytes} bytes begin at byte ${offset}, the file ends at ${end}`;
      throw cursor.error("truncated", reason);
    }
    placed.set(name, { ...tensor, offset });
  }
  let previous: GgufTensor | undefined;
  for (const tensor of [...placed.values()].sort((a, b) => a.offset - b.offset)) {
    if (previous && previous.offset + previous.bytes > tensor.offset) {
      cursor.at = { tensor: tensor.name };
      const reason = `begins at byte ${tensor.offset}, inside of ${JSON.stringify(previous.name)}`;
      throw cursor.error("invalid-tensor", reason);
    }
    previous = tensor;
  }
  cursor.at = {};
  return placed;
}
