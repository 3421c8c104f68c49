import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base, errorOf } from "../../tests/sample-config.ts";
import { ConfigError } from "./config-error.ts";
import type { ModelFamily } from "./model-config.ts";
import { parseModelConfig } from "./parse-config.ts";

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
