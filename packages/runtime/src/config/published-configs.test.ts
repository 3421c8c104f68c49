import { describe, expect, it } from "vitest";
import { parseModelConfig } from "./parse-config.ts";

/** What every config.json has that transformers writes, and that says nothing of the computation. */
const rest = {
  _name_or_path: "x",
  attention_dropout: 0,
  initializer_range: 0.02,
  torch_dtype: "bfloat16",
  transformers_version: "4.45.0",
  use_cache: true,
};

const qwen25 = {
  ...rest,
  architectures: ["Qwen2ForCausalLM"],
  bos_token_id: 151643,
  eos_token_id: 151645,
  hidden_act: "silu",
  hidden_size: 3584,
  intermediate_size: 18944,
  max_position_embeddings: 32768,
  max_window_layers: 28,
  model_type: "qwen2",
  num_attention_heads: 28,
  num_hidden_layers: 28,
  num_key_value_heads: 4,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  sliding_window: 131072,
  tie_word_embeddings: false,
  use_mrope: false,
  use_sliding_window: false,
  vocab_size: 152064,
};

describe("reads configs in the form in which these models are published", () => {
  it("Qwen2.5 7B, and with the YaRN that its model card adds", () => {
    const config = parseModelConfig(qwen25);
    expect(config).toMatchObject({ headDim: 128, qkvBias: true, outputBias: false, maxPositions: 32768 });
    expect(config.layerMap).not.toContain("s");
    const rope_scaling = { factor: 4.0, original_max_position_embeddings: 32768, type: "yarn" };
    const stretched = parseModelConfig({ ...qwen25, rope_scaling });
    expect(stretched.maxPositions).toBe(131072);
    expect(stretched.rope.scale).toBeCloseTo(1.1386, 4);
  });

  it("Qwen3 0.6B", () => {
    const config = parseModelConfig({
      ...rest,
      architectures: ["Qwen3ForCausalLM"],
      attention_bias: false,
      bos_token_id: 151643,
      eos_token_id: 151645,
      head_dim: 128,
      hidden_act: "silu",
      hidden_size: 1024,
      intermediate_size: 3072,
      max_position_embeddings: 40960,
      max_window_layers: 28,
      model_type: "qwen3",
      num_attention_heads: 16,
      num_hidden_layers: 28,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-6,
      rope_scaling: null,
      rope_theta: 1000000,
      sliding_window: null,
      tie_word_embeddings: true,
      use_sliding_window: false,
      vocab_size: 151936,
    });
    expect(config).toMatchObject({ headDim: 128, qkNorm: true, qkvBias: false, tiedEmbeddings: true });
  });

  it("Mistral 7B, first with a window, later without", () => {
    const mistral = {
      ...rest,
      architectures: ["MistralForCausalLM"],
      bos_token_id: 1,
      eos_token_id: 2,
      hidden_act: "silu",
      hidden_size: 4096,
      intermediate_size: 14336,
      max_position_embeddings: 32768,
      model_type: "mistral",
      num_attention_heads: 32,
      num_hidden_layers: 32,
      num_key_value_heads: 8,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      sliding_window: 4096,
      tie_word_embeddings: false,
      vocab_size: 32000,
    };
    expect(parseModelConfig(mistral)).toMatchObject({ slidingWindow: 4096, headDim: 128, qkvBias: false });
    const later = parseModelConfig({ ...mistral, sliding_window: null, rope_theta: 1e6, vocab_size: 32768 });
    expect(later.slidingWindow).toBeUndefined();
  });

  it("SmolLM2 135M, with its fields of other programs", () => {
    const config = parseModelConfig({
      ...rest,
      architectures: ["LlamaForCausalLM"],
      attention_bias: false,
      bos_token_id: 0,
      eos_token_id: 0,
      hidden_act: "silu",
      hidden_size: 576,
      intermediate_size: 1536,
      is_llama_config: true,
      max_position_embeddings: 8192,
      mlp_bias: false,
      model_type: "llama",
      num_attention_heads: 9,
      num_hidden_layers: 30,
      num_key_value_heads: 3,
      pretraining_tp: 1,
      rms_norm_eps: 1e-5,
      rope_interleaved: false,
      rope_scaling: null,
      rope_theta: 100000,
      tie_word_embeddings: true,
      "transformers.js_config": { kv_cache_dtype: { q4f16: "float16" } },
      vocab_size: 49152,
    });
    expect(config).toMatchObject({ heads: 9, kvHeads: 3, headDim: 64, bosId: 0, eosIds: [0] });
  });

  it("Llama 2 13B, first with the slices of its training, which are summed as one", () => {
    const llama2 = {
      ...rest,
      architectures: ["LlamaForCausalLM"],
      bos_token_id: 1,
      eos_token_id: 2,
      hidden_act: "silu",
      hidden_size: 5120,
      intermediate_size: 13824,
      max_position_embeddings: 4096,
      model_type: "llama",
      num_attention_heads: 40,
      num_hidden_layers: 40,
      num_key_value_heads: 40,
      pretraining_tp: 1,
      rms_norm_eps: 1e-5,
      rope_scaling: null,
      tie_word_embeddings: false,
      vocab_size: 32000,
    };
    expect(parseModelConfig({ ...llama2, pretraining_tp: 2 })).toEqual(parseModelConfig(llama2));
  });

  it("LCKV's 1.1B with two warm-up layers", () => {
    const layer_types = `0_${"20_".repeat(20)}21`;
    const config = parseModelConfig({
      ...rest,
      architectures: ["LCKVLlamaForCausalLM"],
      bos_token_id: 1,
      eos_token_id: 2,
      hidden_act: "silu",
      hidden_size: 2048,
      intermediate_size: 5632,
      max_position_embeddings: 2048,
      model_type: "lckv-llama",
      num_attention_heads: 32,
      num_hidden_layers: 22,
      num_key_value_heads: 4,
      pretraining_tp: 1,
      rms_norm_eps: 1e-5,
      rope_scaling: null,
      tie_word_embeddings: false,
      vocab_size: 32000,
      layer_types,
      forward_passes: 7,
      backward_passes: 2,
    });
    expect(config).toMatchObject({
      layerMap: layer_types,
      passes: 9,
      forceNodiag: false,
      maxPositions: 2048,
    });
  });
});
