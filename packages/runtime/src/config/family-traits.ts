import type { ModelFamily } from "./model-config.ts";

/** What transformers assumes of a family where its config.json is silent, and which switches it has. */
export type FamilyTraits = {
  readonly maxPositions: number;
  /** Where the field is absent; null in the file always means one KV head for each head. */
  readonly kvHeads: number | undefined;
  /** Undefined: hidden size over heads. */
  readonly headDim: number | undefined;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Biases that the family always has, or has when `attention_bias` or `mlp_bias` is true. */
  readonly qkvBias: boolean | "attention_bias";
  readonly outputBias: boolean | "attention_bias";
  readonly mlpBias: boolean | "mlp_bias";
  readonly qkNorm: boolean;
  /** Which layers see a window where `layer_types` is absent; `map`: those marked in LCKV's string. */
  readonly sliding: "none" | "all" | "upper" | "map";
};

const llama: FamilyTraits = {
  maxPositions: 2048,
  kvHeads: undefined,
  headDim: undefined,
  bosId: 1,
  eosId: 2,
  qkvBias: "attention_bias",
  outputBias: "attention_bias",
  mlpBias: "mlp_bias",
  qkNorm: false,
  sliding: "none",
};

const qwen2: FamilyTraits = {
  maxPositions: 32_768,
  kvHeads: 32,
  headDim: undefined,
  bosId: undefined,
  eosId: undefined,
  qkvBias: true,
  outputBias: false,
  mlpBias: false,
  qkNorm: false,
  sliding: "upper",
};

/** From the configuration classes of transformers 4.57 and 5.18, which agree. */
export const familyTraits: Readonly<Record<ModelFamily, FamilyTraits>> = {
  llama,
  mistral: {
    ...llama,
    maxPositions: 131_072,
    kvHeads: 8,
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    sliding: "all",
  },
  qwen2,
  qwen3: { ...qwen2, headDim: 128, qkvBias: "attention_bias", outputBias: "attention_bias", qkNorm: true },
  "lckv-llama": { ...llama, sliding: "map" },
};
