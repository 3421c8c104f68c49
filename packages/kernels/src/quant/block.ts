/**
 * A block taken apart. Value i is `values[i] * scales[g] + offsets[g]`, g = floor(i / group): exact in double
 * precision, and the value of the format when rounded to f32 once. Scales and offsets are exact in f32.
 */
export type Block = {
  readonly values: Int8Array;
  readonly scales: Float32Array;
  readonly offsets: Float32Array;
};

/** Takes the block that begins at byte `at` apart. */
export type BlockReader = (blocks: Uint8Array, at: number, block: Block) => void;

/** Memory for any block, used again and again. */
export function emptyBlock(): Block {
  return { values: new Int8Array(256), scales: new Float32Array(16), offsets: new Float32Array(16) };
}

/** The offset of formats that have none: unlike 0, it leaves a -0 as it is. */
export const noOffset = -0;
