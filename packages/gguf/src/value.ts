import { endianness } from "node:os";

/** Arrays of metadata. Typed arrays tell the number type of the file; an empty plain array is one of strings. */
export type GgufArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly string[]
  | readonly boolean[];

/** A metadata value as it is read. A 64-bit integer is a number where that is exact, else a bigint. */
export type GgufValue = number | bigint | boolean | string | GgufArray;

/** The number types of the format: unsigned, signed and floating, by their bits. */
export type GgufNumberType = "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "u64" | "i64" | "f32" | "f64";

/** A single number to be written: its type in the file, and its value: integers exactly, floating-point rounded. */
export type GgufNumber = { readonly type: GgufNumberType; readonly value: number | bigint };

/** A metadata value to be written. Numbers name their type; all else is as it is read. */
export type GgufWritable = GgufNumber | boolean | string | GgufArray;

export type NumberArray = Exclude<GgufArray, readonly string[] | readonly boolean[]>;

/** How numbers of one type are kept. */
export type NumberFormat = {
  readonly type: GgufNumberType;
  /** Number of the type in the file. */
  readonly id: number;
  /** Bytes of one number. */
  readonly bytes: number;
  /** The numbers in `bytes` as they are on disk; takes `bytes` over. */
  readonly from: (bytes: Uint8Array<ArrayBuffer>) => NumberArray;
  /** The numbers of `array` as they are on disk: a copy. */
  readonly to: (array: NumberArray) => Uint8Array;
  /** An array of this one number; undefined where the type does not hold it. */
  readonly of: (value: number | bigint) => NumberArray | undefined;
  readonly is: (value: unknown) => value is NumberArray;
};

type NumberArrayType = (new (buffer: ArrayBuffer) => NumberArray) & { readonly BYTES_PER_ELEMENT: number };

function format(type: GgufNumberType, id: number, array: NumberArrayType): NumberFormat {
  return {
    type,
    id,
    bytes: array.BYTES_PER_ELEMENT,
    from: (bytes) => new array(littleEndian(bytes, array.BYTES_PER_ELEMENT).buffer),
    to: (numbers) => {
      const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength).slice();
      return littleEndian(bytes, array.BYTES_PER_ELEMENT);
    },
    of: (value) => {
      const float = type === "f32" || type === "f64";
      if (typeof value === "number" && !float && !Number.isSafeInteger(value)) return undefined;
      const numbers = new array(new ArrayBuffer(array.BYTES_PER_ELEMENT));
      if (numbers instanceof BigUint64Array || numbers instanceof BigInt64Array) numbers[0] = BigInt(value);
      else numbers[0] = Number(value);
      const held = numbers[0]!;
      const same = float
        ? Number.isFinite(Number(held)) === Number.isFinite(Number(value))
        : BigInt(held) === BigInt(value);
      return same ? numbers : undefined;
    },
    is: (value): value is NumberArray => value instanceof array,
  };
}

/** Turns numbers from the order of the file to that of this machine, or back, in place. */
function littleEndian<T extends Uint8Array>(bytes: T, bytesEach: number): T {
  if (endianness() === "LE" || bytesEach === 1) return bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytesEach === 2) buffer.swap16();
  else if (bytesEach === 4) buffer.swap32();
  else buffer.swap64();
  return bytes;
}

/** Every number type of the format (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). */
export const numberFormats: readonly NumberFormat[] = [
  format("u8", 0, Uint8Array),
  format("i8", 1, Int8Array),
  format("u16", 2, Uint16Array),
  format("i16", 3, Int16Array),
  format("u32", 4, Uint32Array),
  format("i32", 5, Int32Array),
  format("f32", 6, Float32Array),
  format("u64", 10, BigUint64Array),
  format("i64", 11, BigInt64Array),
  format("f64", 12, Float64Array),
];

/** Numbers of the types that are not numbers. */
export const boolId = 7;
export const stringId = 8;
export const arrayId = 9;
