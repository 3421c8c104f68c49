import type { Work } from "./work-queue.ts";

/** Rows `from` to `to - 1` of the buffers. */
export type Rows = { readonly from: number; readonly to: number };

export function embed(
  out: Float64Array,
  table: Float32Array,
  tokens: Int32Array,
  width: number,
  rows: Rows,
): void {
  for (let r = rows.from; r < rows.to; r++) {
    const token = tokens[r]!;
    out.set(table.subarray(token * width, (token + 1) * width), r * width);
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

export function* linear(
  out: Float64Array,
  x: Float64Array,
  weight: Float32Array,
  bias: Float32Array | undefined,
  residual: Float64Array | undefined,
  inWidth: number,
  outWidth: number,
  rows: Rows,
): Work {
  const workOfOutput = (rows.to - rows.from) * inWidth;
  let work = 0;
  for (let o = 0; o < outWidth; o++) {
    for (let r = rows.from; r < rows.to; r++) {
      const at = r * outWidth + o;
      out[at] = dot(weight, o * inWidth, x, r * inWidth, inWidth) + (bias?.[o] ?? 0) + (residual?.[at] ?? 0);
    }
    work += workOfOutput;
    if (work > 100_000) {
      work = 0;
      yield;
    }
  }
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
    out[i] = (gate[i]! / (1 + Math.exp(-gate[i]!))) * up[i]!;
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
