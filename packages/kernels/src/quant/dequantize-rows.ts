import { invalidArgument } from "../check-argument.ts";
import { blockFormat, isQuantDType, type QuantDType } from "../dtype.ts";
import { type Block, emptyBlock } from "./block.ts";
import { blockReaders } from "./block-readers.ts";

/**
 * The values of whole blocks, each the exact value of its format rounded to f32 once.
 * Throws `KernelError` (`invalid-argument`) for another dtype and for half a block.
 */
export function dequantizeRows(dtype: QuantDType, blocks: Uint8Array): Float32Array {
  if (!isQuantDType(dtype)) invalidArgument(`dtype is ${String(dtype)}; expected a quantised one`);
  const { values, bytes } = blockFormat[dtype];
  if (!(blocks instanceof Uint8Array) || blocks.length % bytes !== 0) {
    invalidArgument(`blocks is not a Uint8Array of whole ${dtype} blocks (${bytes} bytes each)`);
  }
  const out = new Float32Array((blocks.length / bytes) * values);
  dequantizeBlocks(dtype, blocks, 0, out, emptyBlock());
  return out;
}

/** Fills `out`, which has room for whole blocks, from byte `at` on. `block` is memory to work in. */
export function dequantizeBlocks(
  dtype: QuantDType,
  blocks: Uint8Array,
  at: number,
  out: Float32Array | Float64Array,
  block: Block,
): void {
  const { values, bytes } = blockFormat[dtype];
  const { read, group } = blockReaders[dtype];
  for (let start = 0, from = at; start < out.length; start += values, from += bytes) {
    read(blocks, from, block);
    for (let first = 0; first < values; first += group) {
      const scale = block.scales[first / group]!;
      const offset = block.offsets[first / group]!;
      for (let i = first; i < first + group; i++) {
        out[start + i] = Math.fround(block.values[i]! * scale + offset);
      }
    }
  }
}
