import { hostileNumbers, type Pieces, type Random } from "./mutations.ts";

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

const text = (value: string): Buffer[] => [u64(Buffer.byteLength(value)), Buffer.from(value)];
const strings = (...values: readonly string[]): Buffer[] => [
  ...[u32(9), u32(8), u64(values.length)],
  ...values.flatMap(text),
];
const array = (type: number, numbers: Uint8Array, bytesEach: number): Buffer[] => [
  ...[u32(9), u32(type), u64(numbers.length / bytesEach)],
  Buffer.from(numbers),
];

type Described = readonly [name: string, ne: readonly number[], type: number, bytes: number];

function file(
  version: number,
  alignment: number,
  keys: readonly Buffer[][],
  tensors: readonly Described[],
): Pieces {
  let offset = 0;
  const described = tensors.flatMap(([name, ne, type, bytes]) => {
    const at = offset;
    offset = Math.ceil((offset + bytes) / alignment) * alignment;
    return [...text(name), u32(ne.length), ...ne.map(u64), u32(type), u64(at)];
  });
  const counts = [u64(tensors.length), u64(keys.length)];
  const pieces = [Buffer.from("GGUF"), u32(version), ...counts, ...keys.flat(), ...described];
  const front = pieces.reduce((bytes, piece) => bytes + piece.length, 0);
  // Any bits are numbers; these are small ones in every type.
  const data = Buffer.alloc(Math.ceil(front / alignment) * alignment - front + offset, 0x11);
  return [...pieces, data];
}

/** Small files with every kind of value, and tensors of every rank in plain and quantised types. */
export const ggufFiles: readonly Pieces[] = [
  file(
    3,
    32,
    [
      [...text("general.architecture"), u32(8), ...text("llama")],
      [...text("llama.block_count"), u32(4), u32(1)],
      [...text("llama.rope.freq_base"), u32(6), u32(0x461c4000)],
      [...text("general.size"), u32(10), u64(2n ** 60n)],
      [...text("tokenizer.ggml.tokens"), ...strings("<s>", "", "a", "né", "\u{1f999}")],
      [...text("tokenizer.ggml.scores"), ...array(6, new Uint8Array(20), 4)],
      [...text("tokenizer.ggml.token_type"), ...array(5, new Uint8Array(20).fill(1), 4)],
      [...text("flags"), ...array(7, new Uint8Array(9).fill(1), 1)],
      [...text("tokenizer.ggml.add_bos_token"), u32(7), Buffer.of(1)],
    ],
    [
      ["token_embd.weight", [32, 5], 8, 5 * 34],
      ["output_norm.weight", [32], 0, 128],
      ["blk.0.attn_q.weight", [64, 2], 1, 256],
      ["blk.0.attn_k.weight", [32, 4], 2, 4 * 18],
      ["blk.0.ffn_up.weight", [256, 2], 12, 2 * 144],
      ["output.weight", [32, 3], 0, 384],
    ],
  ),
  file(
    2,
    64,
    [
      [...text("general.alignment"), u32(4), u32(64)],
      [...text("i64s"), ...array(11, new Uint8Array(24).fill(0xff), 8)],
      [...text("nested"), u32(9), u32(9), u64(2), u32(5), u64(1), u32(7), u32(8), u64(1), ...text("x")],
      [...text("__proto__"), u32(12), u64(0)],
      [...text("u8"), u32(0), Buffer.of(1)],
      [...text("i16"), u32(3), Buffer.of(1, 2)],
    ],
    [
      ["cube", [2, 3, 4], 30, 48],
      ["four", [2, 2, 2, 2], 0, 64],
      ["one", [1], 1, 2],
    ],
  ),
];

/** A number in the place of a number (4 or 8 bytes), random bytes in the place of others. */
export function hostileGgufPiece(random: Random, piece: Buffer): Buffer {
  const number = random.pick(hostileNumbers);
  if (piece.length === 8) return u64(random.next(3) === 0 ? BigInt(random.next(1024)) : number);
  if (piece.length === 4) return u32(random.next(2) === 0 ? random.next(48) : Number(number & 0xffffffffn));
  return Buffer.from(piece.map(() => random.next(256)));
}
