export {
  type AttentionCollection,
  type AttentionRead,
  type Compaction,
  type CpuLevel,
  cpuLevels,
  type Device,
  type DeviceOptions,
  type DType,
  dtypeBytes,
  greedySampling,
  KernelError,
  type KernelErrorCode,
  openDevice,
  type PageMemory,
  type PageMemorySpec,
  type Program,
  type QuantDType,
  type QuantizeTarget,
  type QueryWindow,
  quantizeTargets,
  type Rope,
  type Sampling,
  type SlotData,
  type Step,
  type StepResult,
  type StepSequence,
  type WeightDType,
} from "@kvasir/kernels";
export type { Checkpoint } from "./checkpoint/checkpoint.ts";
export { CheckpointError, type CheckpointErrorCode } from "./checkpoint/checkpoint-error.ts";
export { checkpointFingerprint } from "./checkpoint/checkpoint-fingerprint.ts";
export { ggufName } from "./checkpoint/gguf-names.ts";
export { openCheckpoint } from "./checkpoint/open-checkpoint.ts";
export { readSafetensors } from "./checkpoint/read-safetensors.ts";
export { ConfigError, type ConfigErrorCode } from "./config/config-error.ts";
export type { ModelConfig, ModelFamily } from "./config/model-config.ts";
export { plainFrequencies } from "./config/rope-frequencies.ts";
export { compileGraph } from "./graph/compile.ts";
export type { Attention, CacheShape, Graph, Value } from "./graph/graph.ts";
export { GraphBuilder } from "./graph/graph-builder.ts";
export { GraphError } from "./graph/graph-error.ts";
export {
  type CyclicGroup,
  type LayerMap,
  type LayerMapOptions,
  type LayerMask,
  type MappedLayer,
  parseLayerMap,
} from "./layer-map.ts";
export { LayerMapError } from "./layer-map-error.ts";
export { loadModel, type ModelOptions, modelOf } from "./load-model.ts";
export type { Model } from "./model.ts";
export { ModelError, type ModelErrorCode } from "./model-error.ts";
export type { LoadProgress } from "./pack-weights.ts";
