import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensors, writeTensors } from "./safetensors.ts";

export const smallConfig = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 16,
  intermediate_size: 24,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  num_hidden_layers: 2,
  vocab_size: 30,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  max_position_embeddings: 64,
  tie_word_embeddings: false,
  hidden_act: "silu",
  torch_dtype: "float32",
  bos_token_id: 1,
  eos_token_id: 2,
};

/** Rows of whole blocks of every format. */
export const wideConfig = {
  ...smallConfig,
  hidden_size: 256,
  intermediate_size: 512,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
};

export type WeightSizes = Pick<
  typeof smallConfig,
  | "hidden_size"
  | "intermediate_size"
  | "num_attention_heads"
  | "num_key_value_heads"
  | "head_dim"
  | "vocab_size"
>;

export type WeightOptions = {
  readonly qkvBias?: boolean;
  readonly outputBias?: boolean;
  readonly mlpBias?: boolean;
  readonly qkNorm?: boolean;
  readonly tied?: boolean;
  /** Sizes; default: of `smallConfig`. */
  readonly sizes?: WeightSizes;
  /** For each layer, whether it has keys and values of its own; default: two layers that have. */
  readonly writesKv?: readonly boolean[];
};

/** Random weights, the same on every call. */
export function randomWeights(options: WeightOptions = {}): Tensors {
  const tensors: Record<string, { shape: number[]; data: Float32Array }> = {};
  const { sizes = smallConfig } = options;
  const { hidden_size: hidden, intermediate_size: inner, head_dim: headDim, vocab_size: vocab } = sizes;
  const queries = sizes.num_attention_heads * headDim;
  const keys = sizes.num_key_value_heads * headDim;
  // Wider rows of smaller numbers, so that sums stay the same.
  const reach = 2 / Math.sqrt(hidden);
  let state = 1;
  const add = (name: string, shape: number[], center = 0) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return center + reach * (state / 2 ** 31 - 1);
    });
    tensors[name] = { shape, data };
  };
  const project = (name: string, shape: [number, number], bias = false) => {
    add(`${name}.weight`, shape);
    if (bias) add(`${name}.bias`, [shape[0]]);
  };
  add("model.embed_tokens.weight", [vocab, hidden]);
  for (const [layer, writesKv] of (options.writesKv ?? [true, true]).entries()) {
    const at = `model.layers.${layer}`;
    add(`${at}.input_layernorm.weight`, [hidden], 1);
    add(`${at}.post_attention_layernorm.weight`, [hidden], 1);
    project(`${at}.self_attn.q_proj`, [queries, hidden], options.qkvBias);
    if (writesKv) project(`${at}.self_attn.k_proj`, [keys, hidden], options.qkvBias);
    if (writesKv) project(`${at}.self_attn.v_proj`, [keys, hidden], options.qkvBias);
    project(`${at}.self_attn.o_proj`, [hidden, queries], options.outputBias);
    if (options.qkNorm) add(`${at}.self_attn.q_norm.weight`, [headDim], 1);
    if (options.qkNorm) add(`${at}.self_attn.k_norm.weight`, [headDim], 1);
    project(`${at}.mlp.gate_proj`, [inner, hidden], options.mlpBias);
    project(`${at}.mlp.up_proj`, [inner, hidden], options.mlpBias);
    project(`${at}.mlp.down_proj`, [hidden, inner], options.mlpBias);
  }
  add("model.norm.weight", [hidden], 1);
  if (!options.tied) add("lm_head.weight", [vocab, hidden]);
  return tensors;
}

/** Writes a checkpoint into a folder of its own; dispose it to delete the folder. */
export function writeCheckpoint(config: object, tensors: Tensors): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "kvasir-"));
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  writeTensors(join(path, "model.safetensors"), tensors);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}
