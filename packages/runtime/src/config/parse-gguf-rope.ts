import { ConfigError } from "./config-error.ts";
import type { ConfigFields } from "./config-fields.ts";
import { positionLimit, type RopeConfig } from "./parse-rope.ts";
import { linearFrequencies, plainFrequencies, yarnFrequencies, yarnMagnitude } from "./rope-frequencies.ts";

/** What else a rotation depends on. */
export type GgufRopeParts = {
  readonly headDim: number;
  /** `context_length`. */
  readonly positions: number;
  /** The architecture's weights are laid out for pairs of neighbours. */
  readonly interleaved: boolean;
  /** The tensor `rope_freqs.weight`: what each inverse frequency is divided by (Llama 3.1 and later). */
  readonly divisors: Float32Array | undefined;
};

const known = [
  "dimension_count",
  "freq_base",
  "scale_linear",
  "scaling.type",
  "scaling.factor",
  "scaling.original_context_length",
  "scaling.attn_factor",
  "scaling.yarn_attn_factor",
  "scaling.yarn_beta_fast",
  "scaling.yarn_beta_slow",
  // Says that the weights were trained with it; changes nothing.
  "scaling.finetuned",
].map((key) => `rope.${key}`);

/**
 * Reads the keys `rope.*` of a GGUF file with the meaning that llama.cpp gives them: without a type a factor
 * scales linearly, and YaRN's magnitude is multiplied by the file's own factors. Throws `ConfigError`, also
 * for a key that is not known.
 */
export function parseGgufRope(fields: ConfigFields, parts: GgufRopeParts): RopeConfig {
  const strange = fields.present().find((key) => key.startsWith("rope.") && !known.includes(key));
  if (strange !== undefined)
    throw fields.unsupported(strange, `none of the keys rope.* but ${known.join(", ")}`);
  const { headDim, positions, interleaved, divisors } = parts;
  const dim = fields.integer("rope.dimension_count", 2, headDim, headDim);
  if (dim % 2 !== 0) throw fields.invalid("rope.dimension_count", "an even number");
  const base = fields.number("rope.freq_base", { min: 1, max: 1e15 }, 10_000);
  const { frequencies, magnitude, maxPositions } = scaled(fields, base, dim, positions);
  if (divisors && divisors.length !== dim / 2) {
    const received = `${divisors.length} numbers`;
    throw new ConfigError("invalid", "rope_freqs.weight", received, `${dim / 2}, one for each pair`);
  }
  const factor = { min: 0, max: 100 };
  const scale =
    magnitude *
    fields.number("rope.scaling.attn_factor", factor, 1) *
    fields.number("rope.scaling.yarn_attn_factor", factor, 1);
  const inverseFrequencies = divisors ? frequencies.map((one, i) => one / divisors[i]!) : frequencies;
  return { rope: { inverseFrequencies, scale, interleaved }, maxPositions };
}

function scaled(fields: ConfigFields, base: number, dim: number, positions: number) {
  const type = fields.raw("rope.scaling.type") ?? "linear";
  switch (type) {
    case "none":
      return { frequencies: plainFrequencies(base, dim), magnitude: 1, maxPositions: positions };
    case "linear":
      return {
        frequencies: linearFrequencies(base, dim, factorOf(fields)),
        magnitude: 1,
        maxPositions: positions,
      };
    case "yarn": {
      const factor = factorOf(fields);
      const field = "rope.scaling.original_context_length";
      const originalMaxPositions = fields.integer(field, 1, positionLimit, positions);
      const turns = { min: 0, max: 1e6 };
      const betaFast = fields.number("rope.scaling.yarn_beta_fast", turns, 32);
      const betaSlow = fields.number("rope.scaling.yarn_beta_slow", turns, 1);
      if (betaFast < betaSlow) {
        throw fields.invalid("rope.scaling.yarn_beta_fast", `at least yarn_beta_slow, ${betaSlow}`);
      }
      const scaling = { factor, betaFast, betaSlow, originalMaxPositions, truncate: true };
      return {
        frequencies: yarnFrequencies(base, dim, scaling),
        magnitude: yarnMagnitude(factor),
        maxPositions: Math.min(Math.max(positions, Math.floor(originalMaxPositions * factor)), positionLimit),
      };
    }
    default:
      throw fields.unsupported("rope.scaling.type", "one of none, linear, yarn");
  }
}

/** 0 says 1. `rope.scale_linear` is the key's older name. */
function factorOf(fields: ConfigFields): number {
  const field = fields.raw("rope.scaling.factor") === undefined ? "rope.scale_linear" : "rope.scaling.factor";
  if (fields.raw(field) === 0) return 1;
  return fields.number(field, { min: 1, max: 1e6, inclusive: true }, 1);
}
