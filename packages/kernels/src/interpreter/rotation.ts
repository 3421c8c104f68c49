import type { Rope } from "../program.ts";

/** What pair `i` of a head turns by at `position`, in radians. */
export function angleAt(rope: Rope, i: number, position: number): number {
  const { inverseFrequencies, dynamic } = rope;
  if (dynamic === undefined || position < dynamic.maxPositions) return position * inverseFrequencies[i]!;
  const { base, factor, maxPositions } = dynamic;
  const d = 2 * inverseFrequencies.length;
  const stretched = base * ((factor * (position + 1)) / maxPositions - (factor - 1)) ** (d / (d - 2));
  return position * stretched ** ((-2 * i) / d);
}

/** Cosines and sines of all pairs at a position, times `scale`. */
export type Turn = { readonly cos: Float64Array; readonly sin: Float64Array };

export function turnAt(rope: Rope, position: number, scale: number): Turn {
  const pairs = rope.inverseFrequencies.length;
  const angles = Float64Array.from({ length: pairs }, (_, i) => angleAt(rope, i, position));
  return { cos: angles.map((a) => Math.cos(a) * scale), sin: angles.map((a) => Math.sin(a) * scale) };
}

/** Turns one head, from element `xAt` of `x` to element `outAt` of `out`. */
export function turnHead(
  out: Float64Array,
  outAt: number,
  x: Float64Array | Float32Array,
  xAt: number,
  headDim: number,
  rope: Rope,
  { cos, sin }: Turn,
): void {
  const pairs = cos.length;
  const [stride, apart] = rope.interleaved ? [2, 1] : [1, pairs];
  for (let i = 0; i < pairs; i++) {
    const [a, b] = [x[xAt + i * stride]!, x[xAt + i * stride + apart]!];
    out[outAt + i * stride] = a * cos[i]! - b * sin[i]!;
    out[outAt + i * stride + apart] = b * cos[i]! + a * sin[i]!;
  }
  for (let i = 2 * pairs; i < headDim; i++) out[outAt + i] = x[xAt + i]!;
}
