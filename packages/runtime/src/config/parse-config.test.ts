import { describe, expect, it } from "vitest";
import { base, errorOf } from "../../tests/sample-config.ts";
import type { ModelFamily } from "./model-config.ts";
import { parseModelConfig } from "./parse-config.ts";

describe("defaults are those of transformers' configuration classes", () => {
  it.each([
    ["llama", { kvHeads: 4, headDim: 16, maxPositions: 2048, bosId: 1, eosIds: [2], qkvBias: false }],
    [
      "mistral",
      { kvHeads: 2, headDim: 16, maxPositions: 131_072, bosId: 1, eosIds: [2], slidingWindow: 4096 },
    ],
    [
      "qwen2",
      {
        kvHeads: 2,
        headDim: 16,
        maxPositions: 32_768,
        bosId: undefined,
        eosIds: [],
        qkvBias: true,
        outputBias: false,
      },
    ],
    ["qwen3", { kvHeads: 2, headDim: 128, maxPositions: 32_768, eosIds: [], qkNorm: true, qkvBias: false }],
    ["lckv-llama", { kvHeads: 4, headDim: 16, passes: 9, forceNodiag: false, slidingWindow: undefined }],
  ] as const)("%s", (family, expected) => {
    const config = parseModelConfig(base(family));
    expect(config).toMatchObject({
      family,
      rmsNormEps: 1e-6,
      tiedEmbeddings: false,
      mlpBias: false,
      ...expected,
    });
    expect(config.layerMap).toBe(family === "mistral" ? "0s_1s_2s_3s" : "0_1_2_3");
  });

  it("kv heads that are absent: 8 in Mistral, 32 in Qwen; null: one a head", () => {
    const many = { num_attention_heads: 32, hidden_size: 1024, num_key_value_heads: undefined };
    const { num_key_value_heads: _, ...absent } = base("mistral", many);
    expect(parseModelConfig(absent).kvHeads).toBe(8);
    expect(parseModelConfig({ ...absent, model_type: "qwen2" }).kvHeads).toBe(32);
    expect(parseModelConfig({ ...absent, num_key_value_heads: null }).kvHeads).toBe(32);
  });
});

it("reads a full config of Llama 3.2 1B", () => {
  const config = parseModelConfig(
    {
      architectures: ["LlamaForCausalLM"],
      attention_bias: false,
      attention_dropout: 0.0,
      bos_token_id: 128000,
      eos_token_id: [128001, 128008, 128009],
      head_dim: 64,
      hidden_act: "silu",
      hidden_size: 2048,
      initializer_range: 0.02,
      intermediate_size: 8192,
      max_position_embeddings: 131072,
      mlp_bias: false,
      model_type: "llama",
      num_attention_heads: 32,
      num_hidden_layers: 16,
      num_key_value_heads: 8,
      pretraining_tp: 1,
      rms_norm_eps: 1e-5,
      rope_scaling: {
        factor: 32,
        high_freq_factor: 4,
        low_freq_factor: 1,
        original_max_position_embeddings: 8192,
        rope_type: "llama3",
      },
      rope_theta: 500000,
      tie_word_embeddings: true,
      torch_dtype: "bfloat16",
      use_cache: true,
      vocab_size: 128256,
    },
    { bos_token_id: 128000, eos_token_id: [128001, 128009], do_sample: true, temperature: 0.6 },
  );
  expect(config).toMatchObject({
    family: "llama",
    layers: 16,
    hiddenSize: 2048,
    heads: 32,
    kvHeads: 8,
    headDim: 64,
    maxPositions: 131072,
    tiedEmbeddings: true,
    bosId: 128000,
    eosIds: [128001, 128009],
  });
  expect(config.rope.inverseFrequencies.length).toBe(32);
});

describe("layer maps", () => {
  const map = (family: ModelFamily, more: object) => {
    const { layerMap, slidingWindow } = parseModelConfig(base(family, more));
    return [layerMap, slidingWindow];
  };

  it("Mistral slides in every layer unless sliding_window is null", () => {
    expect(map("mistral", { sliding_window: 16 })).toEqual(["0s_1s_2s_3s", 16]);
    expect(map("mistral", { sliding_window: null })).toEqual(["0_1_2_3", undefined]);
  });

  it("Qwen slides from max_window_layers up, when use_sliding_window says so", () => {
    const window = { sliding_window: 16, max_window_layers: 2 };
    expect(map("qwen2", window)).toEqual(["0_1_2_3", undefined]);
    expect(map("qwen2", { ...window, use_sliding_window: true })).toEqual(["0_1_2s_3s", 16]);
    expect(map("qwen3", { ...window, use_sliding_window: true, max_window_layers: 4 })).toEqual([
      "0_1_2_3",
      undefined,
    ]);
    expect(map("qwen3", { use_sliding_window: true, sliding_window: null })).toEqual(["0_1_2_3", undefined]);
  });

  it("a list of layer types decides layer by layer", () => {
    const [s, f] = ["sliding_attention", "full_attention"];
    expect(map("qwen3", { layer_types: [s, f, s, f], use_sliding_window: true, sliding_window: 8 })).toEqual([
      "0s_1_2s_3",
      8,
    ]);
    expect(map("mistral", { layer_types: [f, f, f, s], sliding_window: 8 })).toEqual(["0_1_2_3s", 8]);
    expect(map("llama", { layer_types: [f, f, f, f] })).toEqual(["0_1_2_3", undefined]);
  });

  it("LCKV's string is taken as it is, with its window, passes and diagonal", () => {
    const config = parseModelConfig(
      base("lckv-llama", {
        layer_types: "0s_2_2_3",
        sliding_window: 16,
        forward_passes: 3,
        backward_passes: 1,
        force_nodiag: true,
      }),
    );
    expect(config).toMatchObject({ layerMap: "0s_2_2_3", slidingWindow: 16, passes: 4, forceNodiag: true });
  });

  it("the window of a map without sliding layers is dropped", () => {
    expect(map("lckv-llama", { layer_types: "0_2_2_3", sliding_window: 16 })).toEqual(["0_2_2_3", undefined]);
  });
});

describe("token ids", () => {
  it("come from generation_config.json first, field by field", () => {
    const config = base("llama", { bos_token_id: 5, eos_token_id: 6 });
    expect(parseModelConfig(config, { eos_token_id: [7, 8, 7] })).toMatchObject({ bosId: 5, eosIds: [7, 8] });
    expect(parseModelConfig(config, {})).toMatchObject({ bosId: 5, eosIds: [6] });
  });

  it("null means none, and a default outside a small vocabulary is none", () => {
    expect(parseModelConfig(base("llama", { bos_token_id: null, eos_token_id: null }))).toMatchObject({
      bosId: undefined,
      eosIds: [],
    });
    expect(parseModelConfig(base("llama", { vocab_size: 2 }))).toMatchObject({ bosId: 1, eosIds: [] });
  });

  it("outside the vocabulary are refused by the name of the file they stand in", () => {
    expect(errorOf(base("llama", { eos_token_id: 320 })).field).toBe("eos_token_id");
    expect(errorOf(base("llama", { eos_token_id: [1, -1] })).field).toBe("eos_token_id");
    expect(errorOf(base("llama"), { eos_token_id: [1.5] }).field).toBe("generation_config.eos_token_id");
    expect(errorOf(base("llama"), { bos_token_id: "0" }).field).toBe("generation_config.bos_token_id");
    expect(errorOf(base("llama"), []).field).toBe("generation_config");
  });
});
