import { describe, expect, it } from "vitest";
import type { ConfigError } from "./config-error.ts";
import { ConfigFields } from "./config-fields.ts";
import { parseRope } from "./parse-rope.ts";

const parse = (config: object, headDim = 64, positions = 4096) =>
  parseRope(new ConfigFields(config), headDim, positions);

function errorOf(config: object, headDim = 64): Pick<ConfigError, "code" | "field"> {
  try {
    parse(config, headDim);
  } catch (error) {
    const { name, code, field } = error as ConfigError;
    expect(name).toBe("ConfigError");
    return { code, field };
  }
  throw new Error("expected a ConfigError");
}

describe("the same rotation, as transformers 4 and 5 write it", () => {
  it.each([
    ["nothing", {}, { rope_parameters: { rope_type: "default", rope_theta: 10_000 } }],
    [
      "both ways at once",
      { rope_scaling: { rope_type: "linear", factor: 2 } },
      {
        rope_scaling: { rope_type: "linear", factor: 2 },
        rope_parameters: { factor: 2, rope_type: "linear" },
      },
    ],
    ["null", { rope_scaling: null }, { rope_parameters: null }],
    [
      "linear, by its old key",
      { rope_theta: 5e5, rope_scaling: { type: "linear", factor: 4 } },
      { rope_parameters: { rope_type: "linear", rope_theta: 5e5, factor: 4 } },
    ],
    [
      "YaRN",
      { rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 1024 } },
      {
        rope_parameters: { type: "yarn", rope_type: "yarn", rope_theta: 1e4, factor: 4 },
        original_max_position_embeddings: 1024,
      },
    ],
    [
      "part of a head",
      { partial_rotary_factor: 0.5 },
      { rope_parameters: { rope_type: "default", partial_rotary_factor: 0.5 } },
    ],
  ])("%s", (_, older, newer) => {
    expect(parse(newer)).toEqual(parse(older));
  });
});

it("defaults to theta 10,000 over the whole head, pairs half a head apart", () => {
  const { rope, maxPositions } = parse({}, 8);
  expect([...rope.inverseFrequencies].map((x) => x.toFixed(6))).toEqual([
    "1.000000",
    "0.100000",
    "0.010000",
    "0.001000",
  ]);
  expect(rope).toMatchObject({ scale: 1, interleaved: false });
  expect(rope.dynamic).toBeUndefined();
  expect(maxPositions).toBe(4096);
});

it("rotates only the first elements with partial_rotary_factor", () => {
  expect(parse({ partial_rotary_factor: 0.25 }, 64).rope.inverseFrequencies.length).toBe(8);
});

it("passes dynamic NTK on, with plain frequencies below max_position_embeddings", () => {
  const { rope, maxPositions } = parse({ rope_scaling: { type: "dynamic", factor: 2 } });
  expect(rope.dynamic).toEqual({ base: 10_000, factor: 2, maxPositions: 4096 });
  expect(rope.inverseFrequencies).toEqual(parse({}).rope.inverseFrequencies);
  expect(maxPositions).toBe(8192);
});

it("gives YaRN's scale: the paper's, the stated one, or the ratio of two magnitudes", () => {
  const yarn = (more: object) =>
    parse({ rope_scaling: { type: "yarn", factor: 40, original_max_position_embeddings: 4096, ...more } })
      .rope.scale;
  expect(yarn({})).toBeCloseTo(0.1 * Math.log(40) + 1, 14);
  expect(yarn({ attention_factor: 1.25 })).toBe(1.25);
  expect(yarn({ mscale: 1, mscale_all_dim: 1 })).toBe(1);
  expect(yarn({ mscale: 707 / 1000, mscale_all_dim: 1 })).toBeCloseTo(0.9210423553163399, 14);
  expect(yarn({ mscale: 1, mscale_all_dim: 0 })).toBeCloseTo(0.1 * Math.log(40) + 1, 14);
});

it("takes YaRN's factor from the two lengths where it is null", () => {
  const stated = { rope_scaling: { type: "yarn", factor: 4, original_max_position_embeddings: 1024 } };
  const inferred = { rope_scaling: { ...stated.rope_scaling, factor: null } };
  expect(parse(inferred)).toEqual(parse(stated));
});

it("counts the stretched context, and Llama 3's as already stretched", () => {
  const reach = (rope_scaling: object) => parse({ rope_scaling }).maxPositions;
  expect(reach({ type: "linear", factor: 2.5 })).toBe(10_240);
  expect(reach({ type: "yarn", factor: 4 })).toBe(16_384);
  expect(reach({ type: "yarn", factor: 4, original_max_position_embeddings: 1024 })).toBe(4096);
  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  expect(reach({ rope_type: "llama3", ...llama3, original_max_position_embeddings: 1024 })).toBe(4096);
});

describe("refuses, naming the field", () => {
  it.each([
    ["rope_scaling.rope_type", "unsupported", { rope_scaling: { rope_type: "longrope" } }],
    ["rope_scaling.type", "unsupported", { rope_scaling: { type: "mrope" } }],
    ["rope_scaling.type", "unsupported", { rope_scaling: { type: "__proto__" } }],
    ["rope_scaling.rope_type", "invalid", { rope_scaling: { rope_type: 7 } }],
    ["rope_scaling.rope_type", "invalid", { rope_scaling: { rope_type: "linear", type: "yarn", factor: 2 } }],
    ["rope_scaling", "invalid", { rope_scaling: "linear" }],
    ["rope_scaling", "invalid", { rope_scaling: [] }],
    ["rope_scaling.factor", "missing", { rope_scaling: { type: "linear" } }],
    ["rope_scaling.factor", "invalid", { rope_scaling: { type: "linear", factor: "2" } }],
    ["rope_scaling.factor", "invalid", { rope_scaling: { type: "linear", factor: 0.5 } }],
    ["rope_scaling.factor", "invalid", { rope_scaling: { type: "linear", factor: Number.NaN } }],
    ["rope_scaling.factor", "invalid", { rope_scaling: { type: "linear", factor: 1e300 } }],
    ["rope_scaling.beta_fast", "unsupported", { rope_scaling: { type: "linear", factor: 2, beta_fast: 32 } }],
    ["rope_scaling.beta_fast", "invalid", { rope_scaling: { type: "yarn", factor: 2, beta_fast: 0.5 } }],
    ["rope_scaling.truncate", "invalid", { rope_scaling: { type: "yarn", factor: 2, truncate: 1 } }],
    [
      "rope_parameters.llama_4_scaling_beta",
      "unsupported",
      { rope_parameters: { rope_type: "yarn", factor: 2, llama_4_scaling_beta: 0.1 } },
    ],
    [
      "rope_parameters.sliding_attention",
      "unsupported",
      { rope_parameters: { sliding_attention: { rope_theta: 1e4 } } },
    ],
    ["rope_parameters.rope_theta", "invalid", { rope_theta: 1e4, rope_parameters: { rope_theta: 1e6 } }],
    ["rope_scaling", "invalid", { rope_scaling: { type: "yarn" }, rope_parameters: { rope_type: "linear" } }],
    [
      "rope_scaling.high_freq_factor",
      "invalid",
      { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
    ],
    ["rope_theta", "invalid", { rope_theta: 0 }],
    ["rope_theta", "invalid", { rope_theta: Number.POSITIVE_INFINITY }],
    ["partial_rotary_factor", "invalid", { partial_rotary_factor: 0 }],
    ["partial_rotary_factor", "unsupported", { partial_rotary_factor: 0.05 }],
  ])("%s (%s): %j", (field, code, config) => {
    expect(errorOf(config)).toEqual({ field, code });
  });

  it("dynamic scaling of a single pair, whose exponent has no value", () => {
    const error = errorOf({ rope_scaling: { rope_type: "dynamic", factor: 2 } }, 2);
    expect(error).toEqual({ field: "rope_scaling.rope_type", code: "unsupported" });
  });
});
