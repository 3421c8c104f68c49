import { blockFormat, type QuantDType } from "../dtype.ts";
import { emptyBlock } from "../quant/block.ts";
import { blockReaders } from "../quant/block-readers.ts";
import type { RoundedRows } from "./rounded-rows.ts";
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
