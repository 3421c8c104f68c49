import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "./config-error.ts";
import type { ModelFamily } from "./model-config.ts";
import { parseModelConfig } from "./parse-config.ts";

const sizes = {
  hidden_size: 64,
  intermediate_size: 160,
  num_attention_heads: 4,
  num_hidden_layers: 4,
  vocab_size: 320,
};
const base = (model_type: ModelFamily, more: object = {}) => ({
  model_type,
  ...sizes,
  ...(model_type === "llama" || model_type === "lckv-llama" ? {} : { num_key_value_heads: 2 }),
  ...more,
});

function errorOf(config: unknown, generation?: unknown): ConfigError {
  try {
    parseModelConfig(config, generation);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error("expected a ConfigError");
}

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

describe("refuses, naming the field", () => {
  it.each([
    ["model_type", "missing", { model_type: undefined }],
    ["model_type", "unsupported", { model_type: "gpt2" }],
    ["model_type", "unsupported", { model_type: "toString" }],
    ["hidden_size", "missing", { hidden_size: null }],
    ["hidden_size", "invalid", { hidden_size: 2 ** 20 + 1 }],
    ["hidden_size", "invalid", { hidden_size: "64" }],
    ["num_hidden_layers", "invalid", { num_hidden_layers: 1025 }],
    ["num_hidden_layers", "invalid", { num_hidden_layers: 0 }],
    ["intermediate_size", "invalid", { intermediate_size: 1.5 }],
    ["num_attention_heads", "invalid", { num_attention_heads: 3, num_key_value_heads: 1 }],
    ["num_key_value_heads", "invalid", { num_key_value_heads: 3 }],
    ["head_dim", "invalid", { head_dim: 15 }],
    ["head_dim", "invalid", { head_dim: 2 ** 20 }],
    ["rms_norm_eps", "invalid", { rms_norm_eps: 0 }],
    ["rms_norm_eps", "invalid", { rms_norm_eps: Number.NaN }],
    ["tie_word_embeddings", "invalid", { tie_word_embeddings: "false" }],
    ["max_position_embeddings", "invalid", { max_position_embeddings: 1e12 }],
    ["hidden_act", "unsupported", { hidden_act: "gelu" }],
    ["architectures", "unsupported", { architectures: ["LlamaForSequenceClassification"] }],
    ["quantization_config", "unsupported", { quantization_config: { quant_method: "gptq", bits: 4 } }],
    ["num_local_experts", "unsupported", { num_local_experts: 8 }],
    ["attn_logit_softcapping", "unsupported", { attn_logit_softcapping: 50 }],
    ["sliding_window", "unsupported", { sliding_window: 16 }],
    ["layer_types", "invalid", { layer_types: "0_2_2_3" }],
    ["layer_types", "invalid", { layer_types: ["full_attention"] }],
    ["layer_types", "unsupported", { layer_types: Array(4).fill("linear_attention") }],
    ["force_nodiag", "unsupported", { force_nodiag: true }],
    ["attention_bias", "unsupported", { model_type: "mistral", attention_bias: true }],
    ["attention_bias", "unsupported", { model_type: "qwen2", num_key_value_heads: 2, attention_bias: false }],
    ["mlp_bias", "unsupported", { model_type: "qwen3", num_key_value_heads: 2, mlp_bias: true }],
    [
      "use_sliding_window",
      "invalid",
      { model_type: "qwen3", num_key_value_heads: 2, layer_types: Array(4).fill("sliding_attention") },
    ],
    ["layer_types", "invalid", { model_type: "lckv-llama", layer_types: "0_1_2" }],
    ["layer_types", "invalid", { model_type: "lckv-llama", layer_types: "0_2_3_3" }],
    ["layer_types", "invalid", { model_type: "lckv-llama", layer_types: "0_1_2_9" }],
    ["sliding_window", "invalid", { model_type: "lckv-llama", layer_types: "0s_1_2_3", sliding_window: 0 }],
    [
      "sliding_window",
      "invalid",
      { model_type: "lckv-llama", layer_types: "0s_1_2_3", sliding_window: null },
    ],
    ["backward_passes", "invalid", { model_type: "lckv-llama", forward_passes: 0, backward_passes: 0 }],
    ["use_sequential", "unsupported", { model_type: "lckv-llama", use_sequential: true }],
  ])("%s (%s): %j", (field, code, more) => {
    const config = { ...base("llama", { num_key_value_heads: 4 }), ...more };
    const error = errorOf(config);
    expect([error.field, error.code]).toEqual([field, code]);
    expect(error.message).toContain(`${field}: expected `);
  });

  it("a MoE field that is off is not one", () => {
    const off = {
      num_experts: 0,
      num_local_experts: null,
      moe_intermediate_size: 0,
      quantization_config: {},
    };
    expect(parseModelConfig(base("llama", off)).layers).toBe(4);
  });

  it.each([null, [], "llama", 7, undefined])("a file that holds %j", (config) => {
    expect(errorOf(config).code).toBe("invalid");
  });

  it("model types that it does not know with those that it knows", () => {
    expect(errorOf(base("llama", { model_type: "gemma2" })).message).toBe(
      'model_type: expected one of llama, mistral, qwen2, qwen3, lckv-llama, received "gemma2"',
    );
  });
});

it("a __proto__ key in the file lends no field", () => {
  const config = JSON.parse(`{"__proto__": ${JSON.stringify(base("llama"))}, "model_type": "llama"}`);
  expect(errorOf(config)).toMatchObject({ code: "missing", field: "num_hidden_layers" });
});

it("any value in any field gives a config or a ConfigError, and messages stay short", () => {
  const fields = [
    ...Object.keys(base("llama")),
    ...[
      "num_key_value_heads",
      "head_dim",
      "max_position_embeddings",
      "rms_norm_eps",
      "rope_theta",
      "rope_scaling",
    ],
    ...[
      "rope_parameters",
      "partial_rotary_factor",
      "sliding_window",
      "use_sliding_window",
      "max_window_layers",
    ],
    ...["layer_types", "forward_passes", "backward_passes", "force_nodiag", "eos_token_id", "bos_token_id"],
    ...["hidden_act", "architectures", "attention_bias", "tie_word_embeddings", "quantization_config"],
  ];
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      0,
      -0,
      -1,
      2 ** 31,
      2 ** 53,
      1e308,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      "",
      "0_1_2_3",
    ),
    fc.constantFrom<unknown>(null, true, [], {}, [[]], { type: "yarn" }, "x".repeat(10_000), [
      "full_attention",
    ]),
    fc.jsonValue(),
  );
  const family = fc.constantFrom<ModelFamily>("llama", "mistral", "qwen2", "qwen3", "lckv-llama");
  const changes = fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 3 });
  fc.assert(
    fc.property(family, changes, (model, change) => {
      try {
        const config = parseModelConfig({ ...base(model), ...change });
        expect(config.heads % config.kvHeads).toBe(0);
        expect(config.headDim % 2).toBe(0);
        expect(config.rope.inverseFrequencies.every((x) => Number.isFinite(x) && x > 0)).toBe(true);
        expect(Number.isSafeInteger(config.maxPositions)).toBe(true);
        expect(config.layerMap.split("_").length).toBe(config.layers);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        expect(error.message.length).toBeLessThan(600);
      }
    }),
    { numRuns: 3000 },
  );
});
