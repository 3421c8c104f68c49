import { blockFormat, type QuantDType } from "../dtype.ts";
import { emptyBlock } from "../quant/block.ts";
import { blockReaders } from "../quant/block-readers.ts";
import type { Rows } from "./operations.ts";
import type { Work } from "./work-queue.ts";

/** A quantised weight taken apart. */
export type QuantMatrix = {
  /** [outputs, inputs] */
  readonly values: Int8Array;
  /** Inputs that share a scale and an offset. */
  readonly group: 16 | 32;
  /** [outputs, inputs / group] */
  readonly scales: Float32Array;
  /** [outputs, inputs / group] */
  readonly offsets: Float32Array;
};

export function* quantMatrix(dtype: QuantDType, blocks: Uint8Array): Work<QuantMatrix> {
  const { values, bytes } = blockFormat[dtype];
  const { read, group } = blockReaders[dtype];
  const count = blocks.length / bytes;
  const groups = values / group;
  const matrix: QuantMatrix = {
    values: new Int8Array(count * values),
    group,
    scales: new Float32Array(count * groups),
    offsets: new Float32Array(count * groups),
  };
  const block = emptyBlock();
  for (let i = 0; i < count; i++) {
    read(blocks, i * bytes, block);
    matrix.values.set(block.values.subarray(0, values), i * values);
    matrix.scales.set(block.scales.subarray(0, groups), i * groups);
    matrix.offsets.set(block.offsets.subarray(0, groups), i * groups);
    if (i % 256 === 0) yield;
  }
  return matrix;
}

/** Rows of activations rounded to 8 bits in blocks of 32, as `Instruction` says. */
export type RoundedRows = {
  /** [rows, inputs] */
  readonly values: Int8Array;
  /** [rows, inputs / 32] */
  readonly scales: Float32Array;
};

/** Adding and subtracting this rounds to a whole number, halves to the even one, up to 2^51. */
const rounder = 1.5 * 2 ** 52;

export function* roundRows(x: Float64Array, inputs: number, rows: Rows): Work<RoundedRows> {
  const elements = new Float32Array(x.subarray(rows.from * inputs, rows.to * inputs));
  const values = new Int8Array(elements.length);
  const scales = new Float32Array(elements.length / 32);
  for (let block = 0; block < scales.length; block++) {
    const start = 32 * block;
    let largest = 0;
    // Math.max keeps a NaN.
    for (let i = start; i < start + 32; i++) largest = Math.max(largest, Math.abs(elements[i]!));
    if (largest < Infinity) {
      scales[block] = largest / 127;
      const inverse = finiteInverse(largest);
      for (let i = start; i < start + 32; i++) {
        values[i] = Math.fround(elements[i]! * inverse) + rounder - rounder;
      }
    } else {
      scales[block] = Number.NaN;
    }
    if (block % 1024 === 0) yield;
  }
  return { values, scales };
}

/** 127 / largest in f32; 0 where that is not finite, of nothing but zeros or next to them. */
function finiteInverse(largest: number): number {
  const inverse = Math.fround(127 / largest);
  return inverse < Infinity ? inverse : 0;
}

/** Output `output` of row `row`, from whole-number dots of a group each; their sum in double precision. */
export function quantDot(
  matrix: QuantMatrix,
  output: number,
  rows: RoundedRows,
  row: number,
  inputs: number,
): number {
  const { group, scales, offsets } = matrix;
  const groups = inputs / group;
  const perBlock = 32 / group;
  let sum = 0;
  for (let g = 0; g < groups; g++) {
    const weightAt = output * inputs + g * group;
    const rowAt = row * inputs + g * group;
    let [dot, total] = [0, 0];
    for (let i = 0; i < group; i++) {
      const value = rows.values[rowAt + i]!;
      dot += matrix.values[weightAt + i]! * value;
      total += value;
    }
    const scale = rows.scales[((row * groups + g) / perBlock) | 0]!;
    const at = output * groups + g;
    sum += scale * (scales[at]! * dot + offsets[at]! * total);
  }
  return sum;
}
