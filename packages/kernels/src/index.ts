export type { AttentionRead, QueryWindow } from "./attention-read.ts";
export type {
  Compaction,
  Device,
  Executable,
  MappedFile,
  PageMemory,
  PageMemorySpec,
  SlotData,
} from "./device.ts";
export {
  blockFormat,
  type DType,
  dtypeBytes,
  isQuantDType,
  type QuantDType,
  type WeightDType,
} from "./dtype.ts";
export { greedySampling } from "./greedy-sampling.ts";
export { KernelError, type KernelErrorCode } from "./kernel-error.ts";
export { type CpuLevel, cpuLevels, type DeviceOptions, openDevice } from "./open-device.ts";
export { type Probe, probeDevice } from "./probe-device.ts";
export type { BufferSpec, Instruction, Program, Rope } from "./program.ts";
export { dequantizeRows } from "./quant/dequantize-rows.ts";
export { type QuantizeTarget, quantizeRows, quantizeTargets } from "./quant/quantize-rows.ts";
export type { AttentionCollection, Sampling, Step, StepResult, StepSequence } from "./step.ts";
export type { Tensor } from "./tensor.ts";
