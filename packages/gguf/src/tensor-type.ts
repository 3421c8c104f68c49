import { limits } from "./limits.ts";

/** How a tensor type stores values: `values` of them in `bytes` bytes. Rows are whole blocks. */
export type GgufBlock = { readonly values: number; readonly bytes: number };

/** Name, number in the file, values and bytes of a block (ggml.h and ggml-common.h of github.com/ggml-org/ggml). */
const types = [
  ["F32", 0, 1, 4],
  ["F16", 1, 1, 2],
  ["Q4_0", 2, 32, 18],
  ["Q4_1", 3, 32, 20],
  ["Q5_0", 6, 32, 22],
  ["Q5_1", 7, 32, 24],
  ["Q8_0", 8, 32, 34],
  ["Q8_1", 9, 32, 36],
  ["Q2_K", 10, 256, 84],
  ["Q3_K", 11, 256, 110],
  ["Q4_K", 12, 256, 144],
  ["Q5_K", 13, 256, 176],
  ["Q6_K", 14, 256, 210],
  ["Q8_K", 15, 256, 292],
  ["IQ2_XXS", 16, 256, 66],
  ["IQ2_XS", 17, 256, 74],
  ["IQ3_XXS", 18, 256, 98],
  ["IQ1_S", 19, 256, 50],
  ["IQ4_NL", 20, 32, 18],
  ["IQ3_S", 21, 256, 110],
  ["IQ2_S", 22, 256, 82],
  ["IQ4_XS", 23, 256, 136],
  ["I8", 24, 1, 1],
  ["I16", 25, 1, 2],
  ["I32", 26, 1, 4],
  ["I64", 27, 1, 8],
  ["F64", 28, 1, 8],
  ["IQ1_M", 29, 256, 56],
  ["BF16", 30, 1, 2],
  ["TQ1_0", 34, 256, 54],
  ["TQ2_0", 35, 256, 66],
  ["MXFP4", 39, 32, 17],
  ["NVFP4", 40, 64, 36],
  ["Q1_0", 41, 128, 18],
  ["Q2_0", 42, 64, 18],
] as const;

/** Every tensor type that ggml can store today. Numbers that are missing between them were withdrawn. */
export type GgufTensorType = (typeof types)[number][0];

/** Values and bytes of a block, by type. */
export const ggufBlocks = Object.freeze(
  Object.fromEntries(types.map(([name, , values, bytes]) => [name, Object.freeze({ values, bytes })])),
) as Readonly<Record<GgufTensorType, GgufBlock>>;

const numbers = new Map<GgufTensorType, number>(types.map(([name, number]) => [name, number]));
const names = new Map<number, GgufTensorType>(types.map(([name, number]) => [number, name]));

export function isGgufTensorType(name: unknown): name is GgufTensorType {
  return numbers.has(name as GgufTensorType);
}

/** Undefined for a number that is not known. */
export function tensorTypeOf(number: number): GgufTensorType | undefined {
  return names.get(number);
}

export function tensorTypeNumber(type: GgufTensorType): number {
  return numbers.get(type)!;
}

/** Bytes of a tensor, or what is wrong with its shape (row-major: 1 to 4 sizes, the last one in whole blocks). */
export function tensorBytes(type: GgufTensorType, shape: readonly number[]): number | string {
  if (shape.length < 1 || shape.length > limits.rank) {
    return `expected 1 to ${limits.rank} dimensions, received ${shape.length}`;
  }
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 1);
  if (bad !== undefined) return `expected dimensions from 1 to 2^53 - 1, received ${bad}`;
  const { values, bytes } = ggufBlocks[type];
  const row = shape.at(-1)!;
  if (row % values !== 0) return `expected rows of whole ${type} blocks of ${values} values, received ${row}`;
  let blocks = row / values;
  // Exact as long as every product is a safe integer, and none shrinks: no dimension is below 1.
  for (const size of shape.slice(0, -1)) blocks *= size;
  if (!Number.isSafeInteger(blocks * values) || !Number.isSafeInteger(blocks * bytes)) {
    return `has more values than can be counted: [${shape.join(", ")}]`;
  }
  return blocks * bytes;
}
