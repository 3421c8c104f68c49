import { inverse, writeHalf } from "./half-scale.ts";

const f32 = Math.fround;

/** value = scale * level - min, level from 0 to 15, min not negative. */
type Line = { scale: number; min: number };

/** Memory to work in. */
const lines: readonly Line[] = Array.from({ length: 8 }, () => ({ scale: 0, min: 0 }));
const tried: Line = { scale: 0, min: 0 };
const x = new Float32Array(32);
const levels = new Int32Array(32);

/**
 * Quantises 256 values to a q4_k block, all in f32. Each run of 32 gets the line whose values are closest in
 * squares, of those that `bestLine` tries. The largest scale and the largest min over 63, as f16, are the
 * block's d and dmin; the others become whole multiples of them, up to 63, and the levels those nearest to the
 * line of the multiples. Values of 1e15 and more have no sums of squares, and make the block NaN.
 */
export function quantizeQ4K(values: Float32Array, start: number, blocks: Uint8Array, at: number): void {
  blocks.fill(0, at, at + 144);
  let greatest = 0;
  // Math.max keeps a NaN.
  for (let i = 0; i < 256; i++) greatest = Math.max(greatest, Math.abs(values[start + i]!));
  if (!(greatest < f32(1e15))) {
    blocks[at + 1] = 0x7e;
    return;
  }
  let [greatestScale, greatestMin] = [0, 0];
  for (let run = 0; run < 8; run++) {
    x.set(values.subarray(start + 32 * run, start + 32 * run + 32));
    const line = lines[run]!;
    bestLine(line);
    greatestScale = Math.max(greatestScale, line.scale);
    greatestMin = Math.max(greatestMin, line.min);
  }
  const d = writeHalf(blocks, at, f32(greatestScale / 63));
  const dmin = writeHalf(blocks, at + 2, f32(greatestMin / 63));
  if (d === Infinity || dmin === Infinity) return;
  const [scaleFactor, minFactor] = [inverse(d), inverse(dmin)];
  for (let run = 0; run < 8; run++) {
    const scale = nearestOf63(lines[run]!.scale, scaleFactor);
    const min = nearestOf63(lines[run]!.min, minFactor);
    writeScaleAndMin(blocks, at + 4, run, scale, min);
    x.set(values.subarray(start + 32 * run, start + 32 * run + 32));
    findLevels(f32(dmin * min), inverse(f32(d * scale)));
    const to = at + 16 + (run >> 1) * 32;
    for (let i = 0; i < 32; i++) blocks[to + i]! |= levels[i]! << (4 * (run & 1));
  }
}

/** Tries ranges around that of `x`: to cut off the outermost values pays where they are rare. */
function bestLine(best: Line): void {
  let [least, greatest] = [0, x[0]!];
  for (let i = 0; i < 32; i++) {
    least = Math.min(least, x[i]!);
    greatest = Math.max(greatest, x[i]!);
  }
  const range = f32(greatest - least);
  best.min = -least;
  best.scale = 0;
  let bestError = 0;
  for (let steps = 14; steps <= 17; steps += 0.5) {
    tried.scale = f32(range / steps);
    tried.min = -least;
    const error = refit(tried);
    if (!(tried.scale > 0) || !(best.scale === 0 || error < bestError)) continue;
    bestError = error;
    best.scale = tried.scale;
    best.min = tried.min;
  }
}

/** Sums of every fourth term, as vectors of four take them. */
const levelSums = new Float32Array(4);
const squareSums = new Float32Array(4);
const valueSums = new Float32Array(4);
const productSums = new Float32Array(4);
const errorSums = new Float32Array(4);

function sumOf(lanes: Float32Array): number {
  return f32(f32(lanes[0]! + lanes[2]!) + f32(lanes[1]! + lanes[3]!));
}

/** Makes `line` that of least squares through the levels it gives, and returns the sum of their squared errors. */
function refit(line: Line): number {
  findLevels(line.min, inverse(line.scale));
  for (const sums of [levelSums, squareSums, valueSums, productSums, errorSums]) sums.fill(0);
  for (let i = 0; i < 32; i++) {
    const [lane, level, value] = [i & 3, levels[i]!, x[i]!];
    levelSums[lane]! += level;
    squareSums[lane]! += level * level;
    valueSums[lane]! += value;
    productSums[lane] = productSums[lane]! + f32(level * value);
  }
  const [sum, squares] = [sumOf(levelSums), sumOf(squareSums)];
  const [values, products] = [sumOf(valueSums), sumOf(productSums)];
  const spread = 32 * squares - sum * sum;
  if (spread > 0) {
    line.min = f32(f32(f32(sum * products) - f32(squares * values)) / spread);
    line.scale = f32(f32(f32(32 * products) - f32(sum * values)) / spread);
    if (!(line.min >= 0)) {
      line.min = 0;
      line.scale = f32(products / squares);
    }
  }
  for (let i = 0; i < 32; i++) {
    const error = f32(f32(f32(levels[i]! * line.scale) - line.min) - x[i]!);
    errorSums[i & 3] = errorSums[i & 3]! + f32(error * error);
  }
  return sumOf(errorSums);
}

/** For each of `x`, the level nearest to it, halves upwards. */
function findLevels(min: number, factor: number): void {
  for (let i = 0; i < 32; i++) {
    const level = f32(f32(f32(x[i]! + min) * factor) + 0.5);
    levels[i] = Math.max(0, Math.min(15, level));
  }
}

function nearestOf63(value: number, factor: number): number {
  return Math.min(63, Math.trunc(f32(f32(value * factor) + 0.5)));
}

/** Eight pairs of 6 bits in 12 bytes: pairs 4 to 7 keep their upper two bits in the bytes of pairs 0 to 3. */
function writeScaleAndMin(blocks: Uint8Array, at: number, run: number, scale: number, min: number): void {
  const j = run & 3;
  if (run < 4) {
    blocks[at + j] = scale;
    blocks[at + 4 + j] = min;
  } else {
    blocks[at + j]! |= (scale >> 4) << 6;
    blocks[at + 4 + j]! |= (min >> 4) << 6;
    blocks[at + 8 + j] = (scale & 15) | ((min & 15) << 4);
  }
}
