import { type GgufWritable, writeGguf } from "@kvasir/gguf";
import { ggufTypeOf, type SynthesizedType, TensorEncoder } from "./encode-numbers.ts";
import { type ModelShape, type ModelShapeName, modelShapes, tensorPlans } from "./model-shape.ts";
import { copiedVocabulary, madeUpVocabulary } from "./vocabulary.ts";

export type SynthesizeOptions = {
  readonly shape: ModelShapeName;
  /** Type of every matrix; norms and biases are always f32. */
  readonly weights: SynthesizedType;
  /** Where the GGUF file goes; one that is there is replaced. */
  readonly out: string;
  /** A whole number of 32 bits; the same seed, shape and type make the same file. */
  readonly seed: number;
  /** A GGUF file whose vocabulary is copied; the model takes its size. Default: one made up. */
  readonly vocab?: string;
  readonly onProgress?: (written: number, total: number) => void;
};

/**
 * Writes a GGUF file of random weights that computes like a trained model: activations stay near 1, and the
 * next token is neither certain nor anyone's guess. For measuring and for tests where no trained file is at hand.
 */
export async function synthesize(options: SynthesizeOptions): Promise<void> {
  const { weights, out, seed, vocab, onProgress } = options;
  const named: ModelShape = modelShapes[options.shape];
  const vocabulary = vocab === undefined ? madeUpVocabulary(named.vocab) : await copiedVocabulary(vocab);
  const shape: ModelShape = { ...named, vocab: vocabulary.size };
  const encoder = new TensorEncoder(seed);
  const tensors = tensorPlans(shape).map((plan) => {
    const type = plan.shape.length === 1 ? "f32" : weights;
    const { name } = plan;
    return { name, type: ggufTypeOf(type), shape: plan.shape, data: () => encoder.bytes(plan, type) };
  });
  const name = `${options.shape} ${weights} of seed ${seed}`;
  const metadata = new Map([...shapeMetadata(shape, name), ...vocabulary.metadata]);
  await writeGguf(out, { metadata, tensors }, onProgress);
}

function shapeMetadata(shape: ModelShape, name: string): Map<string, GgufWritable> {
  const { architecture } = shape;
  const u32 = (key: string, value: number) => [`${architecture}.${key}`, { type: "u32", value }] as const;
  const f32 = (key: string, value: number) => [`${architecture}.${key}`, { type: "f32", value }] as const;
  return new Map<string, GgufWritable>([
    ["general.architecture", architecture],
    ["general.name", name],
    u32("block_count", shape.layers),
    u32("context_length", shape.context),
    u32("embedding_length", shape.width),
    u32("feed_forward_length", shape.mlp),
    u32("attention.head_count", shape.heads),
    u32("attention.head_count_kv", shape.kvHeads),
    u32("attention.key_length", shape.headDim),
    u32("attention.value_length", shape.headDim),
    f32("attention.layer_norm_rms_epsilon", 1e-5),
    u32("rope.dimension_count", shape.headDim),
    f32("rope.freq_base", shape.ropeBase),
    u32("vocab_size", shape.vocab),
  ]);
}
