/** A row as quantised products see it: 8 bits in blocks of 32, in f32. */
export function roundedRow(x: ArrayLike<number>): Float64Array {
  const rounded = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += 32) {
    const block = Array.from({ length: 32 }, (_, i) => x[start + i]!);
    const largest = block.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const scale = Math.fround(largest / 127);
    const inverse = Math.fround(127 / largest);
    block.forEach((value, i) => {
      const q = inverse < Infinity ? toEven(Math.fround(value * inverse)) : 0;
      rounded[start + i] = Number.isFinite(largest) ? q * scale : Number.NaN;
    });
  }
  return rounded;
}

/** What rounding to 8 bits can change at most in each element. */
export function roundingSteps(x: ArrayLike<number>): Float64Array {
  return Float64Array.from(x, (_, i) => {
    const start = i - (i % 32);
    const block = Array.from({ length: 32 }, (_, j) => Math.abs(x[start + j]!));
    const largest = Math.max(...block);
    return Math.fround(127 / largest) < Infinity ? largest / 254 : largest;
  });
}

function toEven(value: number): number {
  return Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}
