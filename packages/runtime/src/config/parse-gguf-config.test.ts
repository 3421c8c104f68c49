import type { GgufValue } from "@kvasir/gguf";
import { describe, expect, it } from "vitest";
import { ConfigError } from "./config-error.ts";
import { parseGgufConfig } from "./parse-gguf-config.ts";

const llama: Readonly<Record<string, GgufValue>> = {
  "general.architecture": "llama",
  "llama.context_length": 512,
  "llama.embedding_length": 16,
  "llama.block_count": 2,
  "llama.feed_forward_length": 24,
  "llama.attention.head_count": 4,
  "llama.attention.head_count_kv": 2,
  "llama.attention.layer_norm_rms_epsilon": 1e-5,
  "tokenizer.ggml.bos_token_id": 1,
  "tokenizer.ggml.eos_token_id": 2,
};

type Given = {
  readonly keys?: Readonly<Record<string, GgufValue | undefined>>;
  readonly tensors?: readonly string[];
  readonly ropeDivisors?: Float32Array;
};

function parse({ keys = {}, tensors = ["output.weight"], ropeDivisors }: Given = {}) {
  const entries = Object.entries({ ...llama, ...keys }).filter(
    (entry): entry is [string, GgufValue] => entry[1] !== undefined,
  );
  return parseGgufConfig({
    metadata: new Map(entries),
    vocabSize: 30,
    has: (name) => tensors.includes(name),
    ropeDivisors,
  });
}

/** The keys of `llama` under another architecture's name. */
const renamed = (architecture: string) =>
  Object.fromEntries([
    ...Object.entries(llama).map(([key, value]) => [key.replace("llama.", `${architecture}.`), value]),
    ["general.architecture", architecture],
  ]);

function refusal(given: Given): ConfigError {
  try {
    parse(given);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** Angle of each pair at position 1, as a multiple of the plain one's. */
function stretch(given: Given): number[] {
  const { inverseFrequencies } = parse(given).rope;
  return Array.from(
    inverseFrequencies,
    (frequency, i) => frequency / 10_000 ** (-i / inverseFrequencies.length),
  );
}

describe("parseGgufConfig", () => {
  it("reads what the keys and the tensors say", () => {
    const { rope, ...config } = parse();
    expect(config).toEqual({
      family: "llama",
      layers: 2,
      hiddenSize: 16,
      intermediateSize: 24,
      heads: 4,
      kvHeads: 2,
      headDim: 4,
      vocabSize: 30,
      rmsNormEps: 1e-5,
      maxPositions: 512,
      tiedEmbeddings: false,
      qkvBias: false,
      outputBias: false,
      mlpBias: false,
      qkNorm: false,
      layerMap: "0_1",
      slidingWindow: undefined,
      forceNodiag: false,
      passes: 1,
      bosId: 1,
      eosIds: [2],
    });
    expect(rope).toEqual({ inverseFrequencies: Float64Array.of(1, 0.01), scale: 1, interleaved: true });
  });

  it("takes biases and tied embeddings from which tensors there are", () => {
    const tensors = ["blk.0.attn_q.bias", "blk.0.attn_output.bias", "blk.0.ffn_gate.bias"];
    expect(parse({ tensors })).toMatchObject({
      tiedEmbeddings: true,
      qkvBias: true,
      outputBias: true,
      mlpBias: true,
    });
  });

  it.each([
    ["llama", true, false],
    ["mistral", true, false],
    ["mistral3", true, false],
    ["qwen2", false, false],
    ["qwen3", false, true],
  ])("knows of %s whether it pairs neighbours and norms heads", (architecture, interleaved, qkNorm) => {
    const config = parse({ keys: renamed(architecture) });
    expect([config.rope.interleaved, config.qkNorm]).toEqual([interleaved, qkNorm]);
  });

  it("takes one KV head for each head where the key is missing, and lists that say the same for all layers", () => {
    expect(parse({ keys: { "llama.attention.head_count_kv": undefined } }).kvHeads).toBe(4);
    const keys = {
      "llama.attention.head_count": Int32Array.of(4, 4),
      "llama.attention.head_count_kv": Uint32Array.of(2, 2),
      "llama.feed_forward_length": Int32Array.of(24, 24),
    };
    expect(parse({ keys })).toMatchObject({ heads: 4, kvHeads: 2, intermediateSize: 24 });
  });

  it("slides in every layer where there is a window", () => {
    const config = parse({ keys: { "llama.attention.sliding_window": 7 } });
    expect(config).toMatchObject({ layerMap: "0s_1s", slidingWindow: 7 });
    expect(parse({ keys: { "llama.attention.sliding_window": 0 } }).layerMap).toBe("0_1");
  });

  it("ends at every token that the file says ends something", () => {
    const keys = { "tokenizer.ggml.eot_token_id": 7, "tokenizer.ggml.eom_token_id": 2 };
    expect(parse({ keys }).eosIds).toEqual([2, 7]);
    const none = { "tokenizer.ggml.eos_token_id": undefined, "tokenizer.ggml.bos_token_id": undefined };
    expect(parse({ keys: none })).toMatchObject({ bosId: undefined, eosIds: [] });
  });

  it("scales rotations linearly, also by the older key and without a type; 0 and none mean not at all", () => {
    expect(
      stretch({ keys: { "llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 4 } }),
    ).toEqual([0.25, 0.25]);
    expect(stretch({ keys: { "llama.rope.scale_linear": 2 } })).toEqual([0.5, 0.5]);
    expect(stretch({ keys: { "llama.rope.scaling.factor": 0 } })).toEqual([1, 1]);
    expect(stretch({ keys: { "llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4 } })).toEqual([
      1, 1,
    ]);
  });

  it("divides rotations by the tensor of divisors", () => {
    expect(stretch({ ropeDivisors: Float32Array.of(1, 8) })).toEqual([1, 0.125]);
  });

  it("stretches by YaRN: slow pairs divided, the magnitude times the file's own factors, a longer context", () => {
    const keys = {
      "llama.rope.scaling.type": "yarn",
      "llama.rope.scaling.factor": 4,
      "llama.rope.scaling.original_context_length": 512,
      "llama.rope.scaling.attn_factor": 2,
      "llama.attention.key_length": 64,
    };
    const { rope, maxPositions } = parse({ keys });
    expect(maxPositions).toBe(2048);
    expect(rope.scale).toBeCloseTo(2 * (1 + 0.1 * Math.log(4)), 12);
    const stretched = stretch({ keys });
    expect(stretched[0]).toBe(1);
    expect(stretched.at(-1)).toBe(0.25);
  });

  it.each<[string, Given, string, string]>([
    ["no architecture", { keys: { "general.architecture": undefined } }, "missing", "general.architecture"],
    [
      "another architecture",
      { keys: { "general.architecture": "gemma3" } },
      "unsupported",
      "general.architecture",
    ],
    [
      "an architecture of Object",
      { keys: { "general.architecture": "constructor" } },
      "unsupported",
      "general.architecture",
    ],
    ["no layers", { keys: { "llama.block_count": 0 } }, "invalid", "llama.block_count"],
    ["a million layers", { keys: { "llama.block_count": 1e6 } }, "invalid", "llama.block_count"],
    [
      "a width beyond numbers",
      { keys: { "llama.embedding_length": 2n ** 63n } },
      "invalid",
      "llama.embedding_length",
    ],
    [
      "a width that is text",
      { keys: { "llama.embedding_length": "16" } },
      "invalid",
      "llama.embedding_length",
    ],
    ["no width", { keys: { "llama.embedding_length": undefined } }, "missing", "llama.embedding_length"],
    ["no context", { keys: { "llama.context_length": undefined } }, "missing", "llama.context_length"],
    ["no MLP", { keys: { "llama.feed_forward_length": undefined } }, "missing", "llama.feed_forward_length"],
    [
      "no heads",
      { keys: { "llama.attention.head_count": undefined } },
      "missing",
      "llama.attention.head_count",
    ],
    [
      "3 heads over a width of 16",
      { keys: { "llama.attention.head_count": 3, "llama.attention.head_count_kv": 1 } },
      "invalid",
      "llama.attention.head_count",
    ],
    [
      "3 KV heads",
      { keys: { "llama.attention.head_count_kv": 3 } },
      "invalid",
      "llama.attention.head_count_kv",
    ],
    [
      "KV heads that differ",
      { keys: { "llama.attention.head_count_kv": Int32Array.of(2, 4) } },
      "unsupported",
      "llama.attention.head_count_kv",
    ],
    ["an odd head", { keys: { "llama.attention.key_length": 5 } }, "invalid", "llama.attention.key_length"],
    [
      "values of another length",
      { keys: { "llama.attention.value_length": 8 } },
      "unsupported",
      "llama.attention.value_length",
    ],
    [
      "an epsilon that is not a number",
      { keys: { "llama.attention.layer_norm_rms_epsilon": Number.NaN } },
      "invalid",
      "llama.attention.layer_norm_rms_epsilon",
    ],
    [
      "no epsilon",
      { keys: { "llama.attention.layer_norm_rms_epsilon": undefined } },
      "missing",
      "llama.attention.layer_norm_rms_epsilon",
    ],
    [
      "a window of Qwen",
      { keys: { ...renamed("qwen2"), "qwen2.attention.sliding_window": 4 } },
      "unsupported",
      "qwen2.attention.sliding_window",
    ],
    [
      "a pattern of windows",
      { keys: { "llama.attention.sliding_window_pattern": 6 } },
      "unsupported",
      "llama.attention.sliding_window_pattern",
    ],
    ["experts", { keys: { "llama.expert_count": 8 } }, "unsupported", "llama.expert_count"],
    ["scaled logits", { keys: { "llama.logit_scale": 0.5 } }, "unsupported", "llama.logit_scale"],
    ["a part of a file", { keys: { "split.count": 3 } }, "unsupported", "split.count"],
    [
      "a rotation of odd length",
      { keys: { "llama.rope.dimension_count": 3 } },
      "invalid",
      "llama.rope.dimension_count",
    ],
    [
      "a rotation longer than heads",
      { keys: { "llama.rope.dimension_count": 6 } },
      "invalid",
      "llama.rope.dimension_count",
    ],
    ["a base of 0", { keys: { "llama.rope.freq_base": 0 } }, "invalid", "llama.rope.freq_base"],
    [
      "an unknown scaling",
      { keys: { "llama.rope.scaling.type": "longrope" } },
      "unsupported",
      "llama.rope.scaling.type",
    ],
    [
      "a factor below 1",
      { keys: { "llama.rope.scaling.factor": 0.5 } },
      "invalid",
      "llama.rope.scaling.factor",
    ],
    [
      "a key of rotation that nothing reads",
      { keys: { "llama.rope.dimension_sections": Int32Array.of(2, 2) } },
      "unsupported",
      "llama.rope.dimension_sections",
    ],
    ["too few divisors", { ropeDivisors: Float32Array.of(1) }, "invalid", "rope_freqs.weight"],
    [
      "an end beyond the vocabulary",
      { keys: { "tokenizer.ggml.eos_token_id": 30 } },
      "invalid",
      "tokenizer.ggml.eos_token_id",
    ],
  ])("refuses %s, naming the key", (_, given, code, field) => {
    const error = refusal(given);
    expect([error.code, error.field]).toEqual([code, field]);
    expect(error.message.length).toBeLessThan(700);
  });
});
