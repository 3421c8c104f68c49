import {
  blockFormat,
  isQuantDType,
  type QuantizeTarget,
  quantizeRows,
  type WeightDType,
} from "@kvasir/kernels";
import type { TensorPlan } from "./model-shape.ts";
import { normalQuantiles, RandomIndices } from "./normal-noise.ts";

/** Weight types that a file can be synthesized with: number formats, and what floats can be quantised to. */
export type SynthesizedType = "f32" | "f16" | "bf16" | QuantizeTarget;

/** Numbers made at a time; whole blocks of every type. */
const slice = 1 << 20;
/** Blocks that q4_k weights are drawn from: a search finds each block's scales, too slow for a billion weights. */
const drawnBlocks = 8192;

type Encode = (indices: Uint16Array) => Uint8Array;

/**
 * Makes the bytes of tensors, of one seed always the same. As the numbers come from a table of 65,536, formats
 * without blocks are looked up in that table's own encoding.
 */
export class TensorEncoder {
  readonly #seed: number;
  /** By mean, deviation and type: a model's tensors share a few, and a table takes longer than a small tensor. */
  readonly #encodes = new Map<string, Encode>();
  /** Blocks drawn from, by the deviation of their values. */
  readonly #drawn = new Map<number, Uint8Array>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Piece by piece. */
  *bytes(plan: TensorPlan, type: SynthesizedType): Generator<Uint8Array> {
    const { name, shape } = plan;
    const random = new RandomIndices(this.#seed, name);
    const encode = this.#encode(plan, type);
    // A block that is drawn takes one random number.
    const values = type === "q4_k" ? blockFormat[type].values : 1;
    const count = shape.reduce((product, size) => product * size, 1) / values;
    for (let from = 0; from < count; from += slice / values) {
      const indices = new Uint16Array(Math.min(slice / values, count - from));
      random.fill(indices);
      yield encode(indices);
    }
  }

  #encode({ mean, deviation }: TensorPlan, type: SynthesizedType): Encode {
    const key = `${mean} ${deviation} ${type}`;
    let encode = this.#encodes.get(key);
    if (!encode) {
      const table = Float32Array.from(normalQuantiles(), (value) => mean + deviation * value);
      encode = type === "q4_k" ? this.#draw(table, deviation) : encoder(table, type);
      this.#encodes.set(key, encode);
    }
    return encode;
  }

  #draw(table: Float32Array, deviation: number): Encode {
    const { values, bytes } = blockFormat.q4_k;
    let blocks = this.#drawn.get(deviation);
    if (!blocks) {
      const indices = new Uint16Array(drawnBlocks * values);
      new RandomIndices(this.#seed, `blocks of ${deviation}`).fill(indices);
      blocks = encoder(table, "q4_k")(indices);
      this.#drawn.set(deviation, blocks);
    }
    return (indices) => {
      const out = new Uint8Array(indices.length * bytes);
      for (let i = 0; i < indices.length; i++) {
        const from = (indices[i]! % drawnBlocks) * bytes;
        out.set(blocks.subarray(from, from + bytes), i * bytes);
      }
      return out;
    };
  }
}

function encoder(table: Float32Array, type: SynthesizedType): Encode {
  if (isQuantDType(type)) {
    return (indices) => quantizeRows(type, looked(new Float32Array(indices.length), table, indices));
  }
  if (type === "f32") return (indices) => bytesOf(looked(new Float32Array(indices.length), table, indices));
  const halves = Uint16Array.from(table, type === "f16" ? f16Bits : bf16Bits);
  return (indices) => bytesOf(looked(new Uint16Array(indices.length), halves, indices));
}

function looked<T extends Float32Array | Uint16Array>(out: T, table: T, indices: Uint16Array): T {
  for (let i = 0; i < indices.length; i++) out[i] = table[indices[i]!]!;
  return out;
}

function bytesOf(numbers: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The upper half of f32, rounded, halves to the even one. */
function bf16Bits(value: number): number {
  float[0] = value;
  return (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) >>> 16;
}

/** For magnitudes under 65,504. Counted in units of their exponent, 1,024 units or more are a number's bits but for the exponent. */
function f16Bits(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const units = roundHalfEven(magnitude * 2 ** (10 - exponent));
  // Below 1,024 units are subnormal; 2,048, from rounding, are the first number of the next exponent.
  return sign | (units + (exponent + 14) * 1024);
}

function roundHalfEven(value: number): number {
  return value + 2 ** 52 - 2 ** 52;
}

/** The name of a weight type in GGUF files. */
export function ggufTypeOf<T extends WeightDType>(type: T): Uppercase<T> {
  return type.toUpperCase() as Uppercase<T>;
}
