import type { ConfigFields } from "./config-fields.ts";

const off = [false, 0, ""];
const one = [...off, 1];

/**
 * Fields that change what a model computes, in ways that no family here does, and the values with which
 * they do nothing (besides null and empty lists and objects). Anything else in them is refused.
 */
const refused: Readonly<Record<string, readonly unknown[]>> = {
  // Weights in another format.
  quantization_config: off,
  compression_config: off,
  // Mixtures of experts.
  num_experts: one,
  num_local_experts: one,
  n_routed_experts: one,
  num_experts_per_tok: one,
  moe_intermediate_size: off,
  // Other attention.
  kv_lora_rank: off,
  q_lora_rank: off,
  attn_logit_softcapping: off,
  final_logit_softcapping: off,
  query_pre_attn_scalar: off,
  attention_multiplier: off,
  attention_chunk_size: off,
  no_rope_layers: off,
  no_rope_layer_interval: off,
  clip_qkv: off,
  use_mrope: off,
  rope_interleaved: off,
  num_kv_shared_layers: off,
  // Other blocks.
  embedding_multiplier: one,
  residual_multiplier: one,
  logits_scaling: one,
  logit_scale: one,
  is_encoder_decoder: off,
  add_cross_attention: off,
  pruned_heads: off,
};

/** Throws `ConfigError` (`unsupported`) for a field that would be ignored and must not be. */
export function refuseUnsupported(config: ConfigFields): void {
  for (const [field, neutral] of Object.entries(refused)) {
    const value = config.raw(field);
    if (value === undefined || neutral.includes(value) || isEmpty(value)) continue;
    throw config.unsupported(field, neutral.includes(1) ? "1 or nothing" : "nothing");
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
