import { type Block, noOffset } from "./block.ts";
import { valueOfHalf } from "./half.ts";

/** Q8_0: f16 d, 32 signed bytes. */
export function readQ80(blocks: Uint8Array, at: number, block: Block): void {
  scale(blocks, at, block);
  for (let i = 0; i < 32; i++) block.values[i] = blocks[at + 2 + i]!;
}

/** Q4_0: f16 d, 16 bytes of two values, i and i + 16. */
export function readQ40(blocks: Uint8Array, at: number, block: Block): void {
  scale(blocks, at, block);
  nibbles(blocks, at + 2, block, 8);
}

/** Q4_1: f16 d, f16 m, 16 bytes as in Q4_0. */
export function readQ41(blocks: Uint8Array, at: number, block: Block): void {
  scaleAndOffset(blocks, at, block);
  nibbles(blocks, at + 4, block, 0);
}

/** Q5_0: f16 d, 32 fifth bits, 16 bytes as in Q4_0. */
export function readQ50(blocks: Uint8Array, at: number, block: Block): void {
  scale(blocks, at, block);
  nibbles(blocks, at + 6, block, 16);
  fifthBits(blocks, at + 2, block);
}

/** Q5_1: f16 d, f16 m, 32 fifth bits, 16 bytes as in Q4_0. */
export function readQ51(blocks: Uint8Array, at: number, block: Block): void {
  scaleAndOffset(blocks, at, block);
  nibbles(blocks, at + 8, block, 0);
  fifthBits(blocks, at + 4, block);
}

export function readHalf(blocks: Uint8Array, at: number): number {
  return valueOfHalf(blocks[at]! | (blocks[at + 1]! << 8));
}

function scale(blocks: Uint8Array, at: number, block: Block): void {
  block.scales[0] = readHalf(blocks, at);
  block.offsets[0] = noOffset;
}

function scaleAndOffset(blocks: Uint8Array, at: number, block: Block): void {
  block.scales[0] = readHalf(blocks, at);
  block.offsets[0] = readHalf(blocks, at + 2);
}

function nibbles(blocks: Uint8Array, at: number, { values }: Block, zero: number): void {
  for (let i = 0; i < 16; i++) {
    const byte = blocks[at + i]!;
    values[i] = (byte & 15) - zero;
    values[i + 16] = (byte >> 4) - zero;
  }
}

function fifthBits(blocks: Uint8Array, at: number, { values }: Block): void {
  for (let i = 0; i < 32; i++) values[i]! += ((blocks[at + (i >> 3)]! >> (i & 7)) & 1) << 4;
}
