import { isQuantDType, tensorBytes } from "../dtype.ts";
import { emptyBlock } from "../quant/block.ts";
import { dequantizeBlocks } from "../quant/dequantize-rows.ts";
import type { Rows } from "./rows.ts";
import type { Weights } from "./weights.ts";
import type { Work } from "./work-queue.ts";

export function* embed(
  out: Float64Array,
  table: Weights,
  tokens: Int32Array,
  width: number,
  rows: Rows,
): Work {
  const { dtype } = table;
  if (!isQuantDType(dtype)) {
    const values = yield* table.decoded();
    for (let r = rows.from; r < rows.to; r++) {
      out.set(values.subarray(tokens[r]! * width, (tokens[r]! + 1) * width), r * width);
    }
    return;
  }
  // Only the rows asked for: the table is often the largest tensor of a model.
  const [blocks, block] = [table.blocks(), emptyBlock()];
  const rowBytes = tensorBytes(dtype, [width]);
  for (let r = rows.from; r < rows.to; r++) {
    const row = out.subarray(r * width, (r + 1) * width);
    dequantizeBlocks(dtype, blocks, tokens[r]! * rowBytes, row, block);
    yield;
  }
}

/** Every run of `weight.length` elements is normalised on its own. */
export function rmsNorm(
  out: Float64Array,
  x: Float64Array,
  weight: Float32Array,
  eps: number,
  width: number,
  rows: Rows,
): void {
  const n = weight.length;
  for (let start = rows.from * width; start < rows.to * width; start += n) {
    let squares = 0;
    for (let i = 0; i < n; i++) squares += x[start + i]! ** 2;
    const inverse = 1 / Math.sqrt(squares / n + eps);
    for (let i = 0; i < n; i++) out[start + i] = x[start + i]! * inverse * weight[i]!;
  }
}

/** A weight's output `output` of row `row`. */
export type Product = (row: number, output: number) => number;

export function* linear(
  out: Float64Array,
  product: Product,
  bias: Float32Array | undefined,
  residual: Float64Array | undefined,
  inWidth: number,
  outWidth: number,
  rows: Rows,
): Work {
  yield* eachOutput(inWidth, outWidth, rows, (r, o) => {
    const at = r * outWidth + o;
    out[at] = product(r, o) + (bias?.[o] ?? 0) + (residual?.[at] ?? 0);
  });
}

export function* gated(
  out: Float64Array,
  gate: Product,
  up: Product,
  inWidth: number,
  outWidth: number,
  rows: Rows,
): Work {
  yield* eachOutput(2 * inWidth, outWidth, rows, (r, o) => {
    out[r * outWidth + o] = silu(gate(r, o)) * up(r, o);
  });
}

/** `work`: multiplications for one output of one row. */
function* eachOutput(
  work: number,
  outputs: number,
  rows: Rows,
  compute: (row: number, output: number) => void,
): Work {
  let done = 0;
  for (let o = 0; o < outputs; o++) {
    for (let r = rows.from; r < rows.to; r++) compute(r, o);
    done += (rows.to - rows.from) * work;
    if (done > 100_000) {
      done = 0;
      yield;
    }
  }
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** In four sums, which a processor can add side by side. */
export function dot(
  a: Float32Array | Float64Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
  length: number,
): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += a[aAt + i]! * b[bAt + i]!;
    s1 += a[aAt + i + 1]! * b[bAt + i + 1]!;
    s2 += a[aAt + i + 2]! * b[bAt + i + 2]!;
    s3 += a[aAt + i + 3]! * b[bAt + i + 3]!;
  }
  for (; i < length; i++) s0 += a[aAt + i]! * b[bAt + i]!;
  return s0 + s1 + (s2 + s3);
}

export function swiglu(
  out: Float64Array,
  gate: Float64Array,
  up: Float64Array,
  width: number,
  rows: Rows,
): void {
  for (let i = rows.from * width; i < rows.to * width; i++) {
    out[i] = silu(gate[i]!) * up[i]!;
  }
}

export function add(out: Float64Array, a: Float64Array, b: Float64Array, width: number, rows: Rows): void {
  for (let i = rows.from * width; i < rows.to * width; i++) out[i] = a[i]! + b[i]!;
}

export function gatherOutputs(out: Float64Array, x: Float64Array, outputs: Int32Array, width: number): void {
  outputs.forEach((row, i) => {
    out.set(x.subarray(row * width, (row + 1) * width), i * width);
  });
}
