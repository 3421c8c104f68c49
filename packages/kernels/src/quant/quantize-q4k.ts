import { halfBits, valueOfHalf } from "./half.ts";

/** Adding and subtracting this rounds to a whole number, halves to the even one, up to 2^51. */
const rounder = 1.5 * 2 ** 52;

/** Memory to work in. */
const scales = new Float64Array(8);
const offsets = new Float64Array(8);
const q = new Uint8Array(256);

/**
 * Quantises 256 values to a q4_k block. Each run of 32 gets the line `scale * q - offset` through its values
 * (offset at least 0, q from 0 to 15) that is closest in squares, of those that nine slightly different
 * roundings give (`fitLine`). The largest scale and the largest offset over 63, in f16, are d and dmin; the
 * others become whole multiples of them, up to 63; and q is rounded anew with what is stored.
 * In double precision, sums in ascending order, halves rounded to the even neighbour.
 */
export function quantizeQ4K(values: Float32Array, start: number, blocks: Uint8Array, at: number): void {
  blocks.fill(0, at, at + 144);
  let magnitudes = 0;
  for (let i = 0; i < 256; i++) magnitudes += Math.abs(values[start + i]!);
  let [largestScale, largestOffset] = [0, 0];
  if (magnitudes < Infinity) {
    for (let run = 0; run < 8; run++) {
      fitLine(values, start + 32 * run, run);
      largestScale = Math.max(largestScale, scales[run]!);
      largestOffset = Math.max(largestOffset, offsets[run]!);
    }
  }
  const [dBits, minimumBits] = [halfBits(largestScale / 63), halfBits(largestOffset / 63)];
  const [d, dmin] = [valueOfHalf(dBits), valueOfHalf(minimumBits)];
  if (!(magnitudes < Infinity) || d === Infinity || dmin === Infinity) {
    blocks[at + 1] = 0x7e;
    return;
  }
  blocks[at] = dBits & 255;
  blocks[at + 1] = dBits >> 8;
  blocks[at + 2] = minimumBits & 255;
  blocks[at + 3] = minimumBits >> 8;
  for (let run = 0; run < 8; run++) {
    const scale = multipleOf(d, scales[run]!);
    const minimum = multipleOf(dmin, offsets[run]!);
    writeScaleAndMinimum(blocks, at + 4, run, scale, minimum);
    roundRun(values, start + 32 * run, 32 * run, d * scale, dmin * minimum);
  }
  for (let i = 0; i < 128; i++) {
    const first = 2 * (i & ~31) + (i & 31);
    blocks[at + 16 + i] = q[first]! | (q[first + 32]! << 4);
  }
}

/** Least squares for the q of each of nine slopes around 15 / range; the first of equals is kept. */
function fitLine(values: Float32Array, start: number, run: number): void {
  let [lowest, highest, sum] = [0, -Infinity, 0];
  for (let i = 0; i < 32; i++) {
    const x = values[start + i]!;
    if (x < lowest) lowest = x;
    if (x > highest) highest = x;
    sum += x;
  }
  const range = highest - lowest;
  scales[run] = range / 15;
  offsets[run] = -lowest;
  if (range === 0) return;
  let best = Infinity;
  for (let t = 0; t < 9; t++) {
    const inverse = (14 + t / 4) / range;
    let [sumQ, sumQQ, sumXQ] = [0, 0, 0];
    for (let i = 0; i < 32; i++) {
      const x = values[start + i]!;
      const rounded = Math.min(15, (x - lowest) * inverse + rounder - rounder);
      q[i] = rounded;
      sumQ += rounded;
      sumQQ += rounded * rounded;
      sumXQ += x * rounded;
    }
    const determinant = 32 * sumQQ - sumQ * sumQ;
    if (determinant === 0) continue;
    let scale = (32 * sumXQ - sumQ * sum) / determinant;
    let offset = (sumQ * scale - sum) / 32;
    if (offset < 0) {
      offset = 0;
      scale = sumXQ / sumQQ;
    }
    if (scale < 0) continue;
    let error = 0;
    for (let i = 0; i < 32; i++) {
      const difference = scale * q[i]! - offset - values[start + i]!;
      error += difference * difference;
    }
    if (error < best) {
      best = error;
      scales[run] = scale;
      offsets[run] = offset;
    }
  }
}

function multipleOf(unit: number, value: number): number {
  return unit === 0 ? 0 : Math.min(63, value / unit + rounder - rounder);
}

function roundRun(values: Float32Array, start: number, to: number, scale: number, offset: number): void {
  for (let i = 0; i < 32; i++) {
    const rounded = scale === 0 ? 0 : (values[start + i]! + offset) / scale + rounder - rounder;
    q[to + i] = Math.max(0, Math.min(15, rounded));
  }
}

/** Eight pairs of 6 bits in 12 bytes: pairs 4 to 7 keep their upper two bits in the bytes of pairs 0 to 3. */
function writeScaleAndMinimum(
  blocks: Uint8Array,
  at: number,
  run: number,
  scale: number,
  minimum: number,
): void {
  const j = run & 3;
  if (run < 4) {
    blocks[at + j] = scale;
    blocks[at + 4 + j] = minimum;
  } else {
    blocks[at + j]! |= (scale >> 4) << 6;
    blocks[at + 4 + j]! |= (minimum >> 4) << 6;
    blocks[at + 8 + j] = (scale & 15) | ((minimum & 15) << 4);
  }
}
