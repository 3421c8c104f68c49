import { ConfigError } from "./config-error.ts";
import { ConfigFields } from "./config-fields.ts";
import { type FamilyTraits, familyTraits } from "./family-traits.ts";
import type { ModelConfig, ModelFamily } from "./model-config.ts";
import { parseLayerTypes } from "./parse-layer-types.ts";
import { parseRope, positionLimit } from "./parse-rope.ts";
import { refuseUnsupported } from "./unsupported-fields.ts";

export const layerLimit = 1024;
/** Widths, heads, vocabulary. */
export const sizeLimit = 2 ** 20;

/**
 * Reads a parsed config.json, and generation_config.json where there is one, in the form of transformers
 * 4 or 5. Sizes must be given; other fields default as transformers has them. Throws `ConfigError`: a
 * field is missing, out of range, contradicts another, or asks for something that Kvasir does not do.
 */
export function parseModelConfig(configJson: unknown, generationConfigJson?: unknown): ModelConfig {
  const config = new ConfigFields(configJson);
  const family = familyOf(config);
  const traits = familyTraits[family];
  refuseUnsupported(config);
  checkActivation(config);
  checkArchitecture(config);

  const layers = config.integer("num_hidden_layers", 1, layerLimit);
  const hiddenSize = config.integer("hidden_size", 1, sizeLimit);
  const vocabSize = config.integer("vocab_size", 1, sizeLimit);
  const positions = config.integer("max_position_embeddings", 1, positionLimit, traits.maxPositions);
  const attention = attentionShape(config, hiddenSize, traits);
  return {
    family,
    layers,
    hiddenSize,
    intermediateSize: config.integer("intermediate_size", 1, sizeLimit),
    ...attention,
    vocabSize,
    rmsNormEps: config.number("rms_norm_eps", { min: 0, max: 1 }, 1e-6),
    tiedEmbeddings: config.boolean("tie_word_embeddings", false),
    qkvBias: biasOf(config, "attention_bias", traits.qkvBias),
    outputBias: biasOf(config, "attention_bias", traits.outputBias, traits.qkvBias),
    mlpBias: biasOf(config, "mlp_bias", traits.mlpBias),
    qkNorm: traits.qkNorm,
    ...parseRope(config, attention.headDim, positions),
    ...parseLayerTypes(config, layers, traits),
    ...tokenIds(config, generationConfigJson, vocabSize, traits),
  };
}

function familyOf(config: ConfigFields): ModelFamily {
  const allowed = `one of ${Object.keys(familyTraits).join(", ")}`;
  const type = config.raw("model_type");
  if (type === undefined) throw new ConfigError("missing", "model_type", undefined, allowed);
  if (typeof type === "string" && Object.hasOwn(familyTraits, type)) return type as ModelFamily;
  throw config.unsupported("model_type", allowed);
}

function checkActivation(config: ConfigFields): void {
  const activation = config.raw("hidden_act") ?? "silu";
  if (activation !== "silu" && activation !== "swish")
    throw config.unsupported("hidden_act", "silu or swish");
}

/** A classifier or a bare encoder has other weights under the same `model_type`. */
function checkArchitecture(config: ConfigFields): void {
  const architectures = config.raw("architectures") ?? [];
  if (!Array.isArray(architectures)) throw config.invalid("architectures", "a list of names");
  const causal = (name: unknown) => typeof name === "string" && name.endsWith("ForCausalLM");
  if (architectures.length > 0 && !architectures.some(causal)) {
    throw config.unsupported("architectures", "a name that ends in ForCausalLM");
  }
}

function attentionShape(config: ConfigFields, hiddenSize: number, traits: FamilyTraits) {
  const heads = config.integer("num_attention_heads", 1, sizeLimit);
  const kvHeadsAbsent = config.has("num_key_value_heads") ? heads : (traits.kvHeads ?? heads);
  const kvHeads = config.integer("num_key_value_heads", 1, sizeLimit, kvHeadsAbsent);
  if (heads % kvHeads !== 0) throw config.invalid("num_key_value_heads", `a divisor of ${heads} heads`);
  const inferred = traits.headDim ?? hiddenSize / heads;
  if (config.raw("head_dim") === undefined && !Number.isInteger(inferred)) {
    throw config.invalid("num_attention_heads", `a divisor of hidden_size, ${hiddenSize}, or a head_dim`);
  }
  const headDim = config.integer("head_dim", 1, sizeLimit, inferred);
  if (headDim % 2 !== 0) throw config.invalid("head_dim", "an even number");
  if (heads * headDim > sizeLimit) throw config.invalid("head_dim", `at most ${sizeLimit} over all heads`);
  return { heads, kvHeads, headDim };
}

/** A switch that the family does not have must say what the family does. */
function biasOf(
  config: ConfigFields,
  field: "attention_bias" | "mlp_bias",
  trait: boolean | string,
  stated: boolean | string = trait,
): boolean {
  if (typeof trait === "string") return config.boolean(field, false);
  if (typeof stated === "boolean" && config.boolean(field, stated) !== stated) {
    throw config.unsupported(field, `${stated} for this model_type`);
  }
  return trait;
}

/** generation_config.json goes first: it is what a publisher corrects when a chat model does not stop. */
function tokenIds(config: ConfigFields, generationJson: unknown, vocabSize: number, traits: FamilyTraits) {
  const generation =
    generationJson === undefined ? undefined : new ConfigFields(generationJson, "generation_config");
  const owner = (field: string) => (generation?.raw(field) === undefined ? config : generation);
  const optional = (field: string, fallback: number | undefined) => {
    const from = owner(field);
    if (
      from.raw(field) !== undefined ||
      (!from.has(field) && fallback !== undefined && fallback < vocabSize)
    ) {
      return from.integer(field, 0, vocabSize - 1, fallback);
    }
    return undefined;
  };
  const eosOwner = owner("eos_token_id");
  const list = eosOwner.raw("eos_token_id");
  if (!Array.isArray(list)) {
    const eosId = optional("eos_token_id", traits.eosId);
    return { bosId: optional("bos_token_id", traits.bosId), eosIds: eosId === undefined ? [] : [eosId] };
  }
  const valid = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabSize;
  if (list.length > 1024 || !list.every(valid)) {
    throw eosOwner.invalid("eos_token_id", `at most 1024 ids from 0 to ${vocabSize - 1}`);
  }
  return { bosId: optional("bos_token_id", traits.bosId), eosIds: [...new Set(list as number[])] };
}
