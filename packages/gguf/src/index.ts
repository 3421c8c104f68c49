export { GgufError, type GgufErrorCode } from "./gguf-error.ts";
export { type GgufFile, type GgufReadOptions, readGguf } from "./read-gguf.ts";
export type { GgufTensor } from "./read-tensors.ts";
export {
  type GgufBlock,
  type GgufTensorType,
  ggufBlocks,
  isGgufTensorType,
} from "./tensor-type.ts";
export type { GgufArray, GgufNumber, GgufNumberType, GgufValue, GgufWritable } from "./value.ts";
export { type GgufContent, type GgufTensorSource, writeGguf } from "./write-gguf.ts";
