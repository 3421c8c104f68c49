/** Sizes of a decoder that can be synthesized, with the architecture that its GGUF file names. */
export type ModelShape = {
  readonly architecture: "llama" | "qwen2" | "qwen3";
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of the gated layer. */
  readonly mlp: number;
  readonly vocab: number;
  /** Longest sequence. */
  readonly context: number;
  readonly ropeBase: number;
  /** Whether the embedding table is the output head too. */
  readonly tied: boolean;
};

const tiny: ModelShape = {
  architecture: "llama",
  layers: 2,
  width: 256,
  heads: 4,
  kvHeads: 2,
  headDim: 64,
  mlp: 512,
  vocab: 512,
  context: 2048,
  ropeBase: 10_000,
  tied: false,
};

/** The shapes by name. All row lengths are multiples of 256, so that every weight type fits. */
export const modelShapes = {
  tiny,
  "tiny-qwen2": { ...tiny, architecture: "qwen2", ropeBase: 1e6, tied: true },
  "tiny-qwen3": { ...tiny, architecture: "qwen3", headDim: 128, ropeBase: 1e6, tied: true },
  "125m": {
    ...tiny,
    layers: 12,
    width: 768,
    heads: 12,
    kvHeads: 12,
    mlp: 2048,
    vocab: 32_000,
    context: 40_960,
  },
  "qwen3-0.6b": {
    architecture: "qwen3",
    layers: 28,
    width: 1024,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    mlp: 3072,
    vocab: 151_936,
    context: 40_960,
    ropeBase: 1e6,
    tied: true,
  },
  "tinyllama-1.1b": {
    architecture: "llama",
    layers: 22,
    width: 2048,
    heads: 32,
    kvHeads: 4,
    headDim: 64,
    mlp: 5632,
    vocab: 32_000,
    context: 8192,
    ropeBase: 10_000,
    tied: false,
  },
} as const satisfies Readonly<Record<string, ModelShape>>;

export type ModelShapeName = keyof typeof modelShapes;
export const modelShapeNames = Object.keys(modelShapes) as readonly ModelShapeName[];

/** A tensor of a shape: its numbers are `mean` plus normal noise of standard deviation `deviation`. */
export type TensorPlan = {
  readonly name: string;
  /** Row-major; a matrix is [outputs, inputs]. */
  readonly shape: readonly number[];
  readonly mean: number;
  readonly deviation: number;
};

/**
 * Every tensor of a shape, under its name in GGUF files (llama.cpp's `gguf-py/gguf/constants.py`). Deviations
 * are `1 / sqrt(inputs)`, which keeps activations near 1, and for what is added to the residual stream
 * `1 / sqrt(2 * layers)` of that (GPT-2's initialization), so that it stays near 1 too. The output head has 3
 * times as much: logits have a deviation of about 3, the next-token distribution over 32,000 tokens an entropy of
 * about 5 of at most 10.4 nats. A table that is both has half of that: with more, a token would call for itself.
 */
export function tensorPlans(shape: ModelShape): TensorPlan[] {
  const { width, mlp, vocab, headDim } = shape;
  const [queries, keys] = [shape.heads * headDim, shape.kvHeads * headDim];
  const matrix = (name: string, outputs: number, inputs: number, gain = 1): TensorPlan => ({
    name: `${name}.weight`,
    shape: [outputs, inputs],
    mean: 0,
    deviation: gain / Math.sqrt(inputs),
  });
  const norm = (name: string, size: number): TensorPlan => ({
    name: `${name}.weight`,
    shape: [size],
    mean: 1,
    deviation: 0.1,
  });
  const bias = (name: string, size: number): TensorPlan => ({
    name: `${name}.bias`,
    shape: [size],
    mean: 0,
    deviation: 0.2,
  });
  const residual = 1 / Math.sqrt(2 * shape.layers);
  const layer = (index: number): TensorPlan[] => {
    const at = `blk.${index}.`;
    const { architecture } = shape;
    return [
      norm(`${at}attn_norm`, width),
      matrix(`${at}attn_q`, queries, width),
      matrix(`${at}attn_k`, keys, width),
      matrix(`${at}attn_v`, keys, width),
      ...(architecture === "qwen2"
        ? [bias(`${at}attn_q`, queries), bias(`${at}attn_k`, keys), bias(`${at}attn_v`, keys)]
        : []),
      ...(architecture === "qwen3"
        ? [norm(`${at}attn_q_norm`, headDim), norm(`${at}attn_k_norm`, headDim)]
        : []),
      matrix(`${at}attn_output`, width, queries, residual),
      norm(`${at}ffn_norm`, width),
      matrix(`${at}ffn_gate`, mlp, width),
      matrix(`${at}ffn_up`, mlp, width),
      matrix(`${at}ffn_down`, width, mlp, residual),
    ];
  };
  return [
    matrix("token_embd", vocab, width, shape.tied ? 1.5 : Math.sqrt(width)),
    ...Array.from({ length: shape.layers }, (_, index) => layer(index)).flat(),
    norm("output_norm", width),
    ...(shape.tied ? [] : [matrix("output", vocab, width, 3)]),
  ];
}
