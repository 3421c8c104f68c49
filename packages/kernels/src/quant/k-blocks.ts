import { type Block, noOffset } from "./block.ts";
import { readHalf } from "./simple-blocks.ts";

/** Q4_K: f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of values. */
export function readQ4K(blocks: Uint8Array, at: number, block: Block): void {
  scalesAndMinima(blocks, at, block);
  nibbles(blocks, at + 16, block);
}

/** Q5_K: f16 d, f16 dmin, 12 bytes of scales and minima, 32 bytes of fifth bits, 128 bytes of values. */
export function readQ5K(blocks: Uint8Array, at: number, block: Block): void {
  scalesAndMinima(blocks, at, block);
  nibbles(blocks, at + 48, block);
  // Bit n of byte i is of value 32 n + i.
  for (let i = 0; i < 256; i++) block.values[i]! += ((blocks[at + 16 + (i & 31)]! >> (i >> 5)) & 1) << 4;
}

/** Q6_K: 128 bytes of low four bits, 64 bytes of high two bits, 16 signed scales, f16 d. */
export function readQ6K(blocks: Uint8Array, at: number, block: Block): void {
  const d = readHalf(blocks, at + 208);
  for (let group = 0; group < 16; group++) {
    block.scales[group] = d * ((blocks[at + 192 + group]! << 24) >> 24);
    block.offsets[group] = noOffset;
  }
  for (let half = 0; half < 2; half++) {
    // 128 values in four runs of 32: runs 0 and 1 in low nibbles, 2 and 3 in the high ones of the same bytes.
    for (let run = 0; run < 4; run++) {
      const low = at + 64 * half + 32 * (run & 1);
      const high = at + 128 + 32 * half;
      for (let i = 0; i < 32; i++) {
        const nibble = (blocks[low + i]! >> (4 * (run >> 1))) & 15;
        const top = (blocks[high + i]! >> (2 * run)) & 3;
        block.values[128 * half + 32 * run + i] = (nibble | (top << 4)) - 32;
      }
    }
  }
}

/** Eight pairs of 6 bits in 12 bytes: pairs 4 to 7 keep their upper two bits in the bytes of pairs 0 to 3. */
function scalesAndMinima(blocks: Uint8Array, at: number, { scales, offsets }: Block): void {
  const [d, dmin] = [readHalf(blocks, at), readHalf(blocks, at + 2)];
  for (let j = 0; j < 8; j++) {
    const first = blocks[at + 4 + (j & 3)]!;
    const second = blocks[at + 8 + (j & 3)]!;
    const third = blocks[at + 12 + (j & 3)]!;
    const scale = j < 4 ? first & 63 : (third & 15) | ((first >> 6) << 4);
    const minimum = j < 4 ? second & 63 : (third >> 4) | ((second >> 6) << 4);
    scales[j] = d * scale;
    offsets[j] = -(dmin * minimum);
  }
}

/** 64 values in 32 bytes: the first 32 in the low nibbles. */
function nibbles(blocks: Uint8Array, at: number, { values }: Block): void {
  for (let i = 0; i < 128; i++) {
    const byte = blocks[at + i]!;
    const first = 2 * (i & ~31) + (i & 31);
    values[first] = byte & 15;
    values[first + 32] = byte >> 4;
  }
}
