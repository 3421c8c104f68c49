import type { GgufValue } from "@kvasir/gguf";
import { ConfigError } from "./config-error.ts";
import { ConfigFields } from "./config-fields.ts";
import type { ModelConfig, ModelFamily } from "./model-config.ts";
import { layerLimit, sizeLimit } from "./parse-config.ts";
import { parseGgufRope } from "./parse-gguf-rope.ts";
import { positionLimit } from "./parse-rope.ts";

type Architecture = {
  readonly family: ModelFamily;
  /** Rotation pairs neighbours: the converter reorders the rows of q and k for that. */
  readonly interleaved: boolean;
  readonly qkNorm: boolean;
};

/** Values of `general.architecture`. Mistral's files mostly say `llama`. */
const architectures: Readonly<Record<string, Architecture>> = {
  llama: { family: "llama", interleaved: true, qkNorm: false },
  mistral: { family: "mistral", interleaved: true, qkNorm: false },
  mistral3: { family: "mistral", interleaved: true, qkNorm: false },
  qwen2: { family: "qwen2", interleaved: false, qkNorm: false },
  qwen3: { family: "qwen3", interleaved: false, qkNorm: true },
};

/** Keys that change what a model computes in ways that no architecture here does, and the values that do nothing. */
const refused: Readonly<Record<string, readonly unknown[]>> = {
  expert_count: [0],
  expert_used_count: [0],
  nextn_predict_layers: [0],
  pooling_type: [0],
  use_parallel_residual: [false],
  logit_scale: [0, 1],
  residual_scale: [0, 1],
  embedding_scale: [0, 1],
  attn_logit_softcapping: [0],
  final_logit_softcapping: [0],
  "attention.scale": [0],
  "attention.output_scale": [0, 1],
  "attention.temperature_scale": [0],
  "attention.max_alibi_bias": [0],
  "attention.clamp_kqv": [0],
  "attention.causal": [true],
  "attention.q_lora_rank": [0],
  "attention.kv_lora_rank": [0],
  "attention.shared_kv_layers": [0],
  "attention.sliding_window_pattern": [0, 1],
};

/** What a GGUF file says of its model. */
export type GgufModelFacts = {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Rows of the embedding table. */
  readonly vocabSize: number;
  /** Whether the file has a tensor of that name. */
  has(tensor: string): boolean;
  /** The numbers in `rope_freqs.weight`, where the file has it. */
  readonly ropeDivisors: Float32Array | undefined;
};

/**
 * Reads the metadata of a GGUF file (keys: github.com/ggml-org/ggml, docs/gguf.md, and the converter of
 * llama.cpp). What the keys do not say, which tensors there are does: biases, tied embeddings. Throws
 * `ConfigError`: a key is missing, out of range, contradicts another, or asks for something that Kvasir does
 * not do.
 */
export function parseGgufConfig(facts: GgufModelFacts): ModelConfig {
  const { metadata, vocabSize, has } = facts;
  const name = architectureOf(metadata);
  const { family, interleaved, qkNorm } = architectures[name]!;
  const fields = fieldsUnder(metadata, name);
  refuseUnsupported(metadata, fields);
  const layers = fields.integer("block_count", 1, layerLimit);
  const hiddenSize = fields.integer("embedding_length", 1, sizeLimit);
  const positions = fields.integer("context_length", 1, positionLimit);
  const attention = attentionShape(fields, hiddenSize);
  const slidingWindow = windowOf(fields, family);
  return {
    family,
    layers,
    hiddenSize,
    intermediateSize: fields.integer("feed_forward_length", 1, sizeLimit),
    ...attention,
    vocabSize,
    rmsNormEps: fields.number("attention.layer_norm_rms_epsilon", { min: 0, max: 1 }),
    tiedEmbeddings: !has("output.weight"),
    qkvBias: has("blk.0.attn_q.bias"),
    outputBias: has("blk.0.attn_output.bias"),
    mlpBias: has("blk.0.ffn_gate.bias"),
    qkNorm,
    ...parseGgufRope(fields, {
      headDim: attention.headDim,
      positions,
      interleaved,
      divisors: facts.ropeDivisors,
    }),
    layerMap: Array.from({ length: layers }, (_, i) => (slidingWindow ? `${i}s` : `${i}`)).join("_"),
    slidingWindow,
    forceNodiag: false,
    passes: 1,
    ...tokenIds(fieldsUnder(metadata, "tokenizer.ggml"), vocabSize),
  };
}

function architectureOf(metadata: ReadonlyMap<string, GgufValue>): string {
  const field = "general.architecture";
  const allowed = `one of ${Object.keys(architectures).join(", ")}`;
  const value = metadata.get(field);
  if (value === undefined) throw new ConfigError("missing", field, undefined, allowed);
  if (typeof value === "string" && Object.hasOwn(architectures, value)) return value;
  throw new ConfigError("unsupported", field, value, allowed);
}

/** The keys that begin with `prefix` and a dot, without both. A list with one number for each layer becomes it where all are equal. */
function fieldsUnder(metadata: ReadonlyMap<string, GgufValue>, prefix: string): ConfigFields {
  const start = `${prefix}.`;
  const entries = [...metadata].filter(([key]) => key.startsWith(start));
  return new ConfigFields(
    Object.fromEntries(entries.map(([key, value]) => [key.slice(start.length), oneOfAll(key, value)])),
    prefix,
  );
}

function oneOfAll(key: string, value: GgufValue): GgufValue {
  if (!ArrayBuffer.isView(value)) return value;
  const list = value as ArrayLike<number | bigint>;
  const first = list[0];
  if (first !== undefined && list.length <= layerLimit) {
    if (Array.from(list).every((number) => number === first)) return Number(first);
  }
  const received = `a list of ${list.length} numbers`;
  throw new ConfigError("unsupported", key, received, "one number, the same for all layers");
}

function refuseUnsupported(metadata: ReadonlyMap<string, GgufValue>, fields: ConfigFields): void {
  for (const [field, neutral] of Object.entries(refused)) {
    const value = fields.raw(field);
    if (value === undefined || neutral.includes(value)) continue;
    throw fields.unsupported(field, `${neutral.join(" or ")}, or nothing`);
  }
  const parts = metadata.get("split.count");
  if (parts === undefined || parts === 0 || parts === 1) return;
  throw new ConfigError("unsupported", "split.count", parts, "1: a model in one file, not a part of it");
}

function attentionShape(fields: ConfigFields, hiddenSize: number) {
  const heads = fields.integer("attention.head_count", 1, sizeLimit);
  const kvHeads = fields.integer("attention.head_count_kv", 1, sizeLimit, heads);
  if (heads % kvHeads !== 0) throw fields.invalid("attention.head_count_kv", `a divisor of ${heads} heads`);
  const inferred = hiddenSize / heads;
  if (fields.raw("attention.key_length") === undefined && !Number.isInteger(inferred)) {
    const allowed = `a divisor of embedding_length, ${hiddenSize}, or attention.key_length`;
    throw fields.invalid("attention.head_count", allowed);
  }
  const headDim = fields.integer("attention.key_length", 1, sizeLimit, inferred);
  if (headDim % 2 !== 0) throw fields.invalid("attention.key_length", "an even number");
  if (heads * headDim > sizeLimit) {
    throw fields.invalid("attention.key_length", `at most ${sizeLimit} over all heads`);
  }
  if (fields.integer("attention.value_length", 1, sizeLimit, headDim) !== headDim) {
    throw fields.unsupported("attention.value_length", `${headDim}, as long as keys`);
  }
  return { heads, kvHeads, headDim };
}

/** Mistral 7B v0.1 has a window in every layer; Qwen's key is there for switches that Kvasir does not see. */
function windowOf(fields: ConfigFields, family: ModelFamily): number | undefined {
  const window = fields.integer("attention.sliding_window", 0, positionLimit, 0);
  if (window === 0) return undefined;
  if (family === "llama" || family === "mistral") return window;
  throw fields.unsupported("attention.sliding_window", "0 or nothing for this architecture");
}

function tokenIds(fields: ConfigFields, vocabSize: number) {
  const idOf = (field: string) =>
    fields.raw(field) === undefined ? undefined : fields.integer(field, 0, vocabSize - 1);
  const ends = ["eos_token_id", "eot_token_id", "eom_token_id"].map(idOf);
  return {
    bosId: idOf("bos_token_id"),
    eosIds: [...new Set(ends.filter((id) => id !== undefined))],
  };
}
