import type { Rope } from "@kvasir/kernels";
import type { ConfigFields } from "./config-fields.ts";
import {
  linearFrequencies,
  llama3Frequencies,
  plainFrequencies,
  yarnFrequencies,
  yarnMagnitude,
} from "./rope-frequencies.ts";

/** A model's rotation and the longest sequence that it reaches, in tokens. */
export type RopeConfig = { readonly rope: Rope; readonly maxPositions: number };

/** Contexts beyond this are refused: positions are 32-bit integers. */
export const positionLimit = 2 ** 30;

type Scaling = {
  /** Where `factor`, ... stand: `rope_scaling`, `rope_parameters`, or neither. */
  readonly fields: ConfigFields | undefined;
  readonly base: number;
  /** Elements of a head that are rotated. */
  readonly dim: number;
  /** `max_position_embeddings`. */
  readonly positions: number;
  readonly originalPositions: number;
};

/** A rope type: the keys that it reads, and what they make. */
type RopeType = { readonly keys: readonly string[]; build(scaling: Required<Scaling>): RopeConfig };

const factorRange = { min: 1, max: 1e6, inclusive: true };

/** Known values of `rope_type`. Of those that stretch a context, all but `llama3` state the length before. */
const ropeTypes: Readonly<Record<string, RopeType>> = {
  default: { keys: [], build: ({ base, dim, positions }) => plain(plainFrequencies(base, dim), positions) },
  linear: {
    keys: ["factor"],
    build: ({ fields, base, dim, positions }) => {
      const factor = fields!.number("factor", factorRange);
      return plain(linearFrequencies(base, dim, factor), reach(positions * factor));
    },
  },
  dynamic: {
    keys: ["factor"],
    build: ({ fields, base, dim, positions }) => {
      const factor = fields!.number("factor", factorRange);
      // The exponent d / (d - 2) has no value for one pair.
      if (dim < 4) throw fields!.unsupported("rope_type", "a head of at least 4 rotated elements");
      const rope = { inverseFrequencies: plainFrequencies(base, dim), scale: 1, interleaved: false };
      const dynamic = { base, factor, maxPositions: positions };
      return { rope: { ...rope, dynamic }, maxPositions: reach(positions * factor) };
    },
  },
  llama3: {
    keys: ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
    build: ({ fields, base, dim, positions, originalPositions }) => {
      const range = { min: 0, max: 1e6 };
      const scaling = {
        factor: fields!.number("factor", factorRange),
        lowFreqFactor: fields!.number("low_freq_factor", range),
        highFreqFactor: fields!.number("high_freq_factor", range),
        originalMaxPositions: originalPositions,
      };
      if (scaling.highFreqFactor <= scaling.lowFreqFactor) {
        throw fields!.invalid("high_freq_factor", `more than low_freq_factor, ${scaling.lowFreqFactor}`);
      }
      return plain(llama3Frequencies(base, dim, scaling), positions);
    },
  },
  yarn: {
    keys: [
      "factor",
      "original_max_position_embeddings",
      "beta_fast",
      "beta_slow",
      "attention_factor",
      "mscale",
      "mscale_all_dim",
      "truncate",
      // Says that the weights were trained with it; changes nothing.
      "finetuned",
    ],
    build: ({ fields, base, dim, positions, originalPositions }) => {
      const turns = { min: 0, max: 1e6 };
      const factor = fields!.number("factor", factorRange, Math.max(1, positions / originalPositions));
      const scaling = {
        factor,
        betaFast: fields!.number("beta_fast", turns, 32),
        betaSlow: fields!.number("beta_slow", turns, 1),
        originalMaxPositions: originalPositions,
        truncate: fields!.boolean("truncate", true),
      };
      if (scaling.betaFast < scaling.betaSlow) {
        throw fields!.invalid("beta_fast", `at least beta_slow, ${scaling.betaSlow}`);
      }
      return {
        rope: {
          inverseFrequencies: yarnFrequencies(base, dim, scaling),
          scale: attentionFactor(fields!, factor),
          interleaved: false,
        },
        maxPositions: Math.max(positions, reach(originalPositions * factor)),
      };
    },
  },
};

/** `attention_factor`, else the ratio of DeepSeek's two weights where both are set, else the paper's. */
function attentionFactor(fields: ConfigFields, factor: number): number {
  const weight = { min: 0, max: 100, inclusive: true };
  const mscale = fields.number("mscale", weight, 0);
  const mscaleAllDim = fields.number("mscale_all_dim", weight, 0);
  const inferred =
    mscale > 0 && mscaleAllDim > 0
      ? yarnMagnitude(factor, mscale) / yarnMagnitude(factor, mscaleAllDim)
      : yarnMagnitude(factor);
  return fields.number("attention_factor", { min: 0, max: 100 }, inferred);
}

function plain(inverseFrequencies: Float64Array, maxPositions: number): RopeConfig {
  return { rope: { inverseFrequencies, scale: 1, interleaved: false }, maxPositions };
}

function reach(positions: number): number {
  return Math.min(Math.floor(positions), positionLimit);
}

/**
 * Reads `rope_theta`, `partial_rotary_factor` and `rope_scaling` (transformers 4) or `rope_parameters` (5).
 * A key that its rope type does not read is an error. `maxPositions` of linear, dynamic and YaRN scaling
 * counts the stretched context: their `max_position_embeddings` is the length before it.
 */
export function parseRope(config: ConfigFields, headDim: number, positions: number): RopeConfig {
  const fields = scalingFields(config);
  const base = agreed(config, fields, "rope_theta", { min: 1, max: 1e15 }, 10_000);
  const part = agreed(config, fields, "partial_rotary_factor", { min: 0, max: 1 }, 1);
  const dim = Math.trunc(headDim * part);
  if (dim < 2 || dim % 2 !== 0) {
    const owner = fields?.raw("partial_rotary_factor") === undefined ? config : fields;
    throw owner.unsupported("partial_rotary_factor", `a part of ${headDim} elements that is even`);
  }
  const [typeField, typeName] = ropeTypeOf(fields);
  const type = Object.hasOwn(ropeTypes, typeName) ? ropeTypes[typeName] : undefined;
  if (!type) throw fields!.unsupported(typeField, `one of ${Object.keys(ropeTypes).join(", ")}`);
  const known = new Set([...type.keys, "type", "rope_type", "rope_theta", "partial_rotary_factor"]);
  for (const key of fields?.present() ?? []) {
    if (!known.has(key)) throw fields!.unsupported(key, `no such key with ${typeField} ${typeName}`);
  }
  const originalPositions = type.keys.includes("original_max_position_embeddings")
    ? agreed(config, fields, "original_max_position_embeddings", { min: 1, max: positionLimit }, positions)
    : positions;
  return type.build({ fields, base, dim, positions, originalPositions });
}

/** The one object that says how to scale. */
function scalingFields(config: ConfigFields): ConfigFields | undefined {
  const older = config.object("rope_scaling");
  const newer = config.object("rope_parameters");
  if (older && newer && !sameFields(older, newer)) {
    throw config.invalid("rope_scaling", "the same as rope_parameters, or only one of the two");
  }
  for (const layerType of ["full_attention", "sliding_attention"]) {
    if (newer?.raw(layerType) !== undefined)
      throw newer.unsupported(layerType, "one rotation for all layers");
  }
  return newer ?? older;
}

/** Compares numbers, texts and switches, which is all that a rope object may hold. */
function sameFields(a: ConfigFields, b: ConfigFields): boolean {
  const keys = a.present();
  return keys.length === b.present().length && keys.every((key) => a.raw(key) === b.raw(key));
}

function ropeTypeOf(fields: ConfigFields | undefined): [field: string, name: string] {
  const older = fields?.raw("type");
  const newer = fields?.raw("rope_type");
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw fields!.invalid("rope_type", `the same as type, ${JSON.stringify(older)}`);
  }
  const field = newer === undefined && older !== undefined ? "type" : "rope_type";
  const name = newer ?? older ?? "default";
  if (typeof name !== "string") throw fields!.invalid(field, "a string");
  return [field, name];
}

/** A number that may stand in the config, in its rope object, or, if they agree, in both. */
function agreed(
  config: ConfigFields,
  fields: ConfigFields | undefined,
  field: string,
  range: { readonly min: number; readonly max: number },
  fallback: number,
): number {
  const outer = config.number(field, range, fallback);
  const inner = fields?.number(field, range, outer) ?? outer;
  if (config.raw(field) !== undefined && inner !== outer) {
    throw fields!.invalid(field, `the same as ${config.name(field)}, ${outer}`);
  }
  return inner;
}
