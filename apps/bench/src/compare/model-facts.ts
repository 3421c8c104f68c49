import { type GgufTensorType, readGguf } from "@kvasir/gguf";

/** What a comparison has to know of a GGUF file. */
export type ModelFacts = {
  readonly name: string;
  readonly bytes: number;
  /** Type of most of the weights' bytes. */
  readonly weights: GgufTensorType;
  readonly vocab: number;
  readonly context: number;
};

/** Reads the head of a GGUF file. Throws `GgufError`, and `Error` for a file that holds no language model. */
export async function modelFacts(path: string): Promise<ModelFacts> {
  const { metadata, tensors, size } = await readGguf(path, { keys: (key) => !key.startsWith("tokenizer.") });
  const bytesOf = new Map<GgufTensorType, number>();
  for (const { type, bytes } of tensors.values()) bytesOf.set(type, (bytesOf.get(type) ?? 0) + bytes);
  const [weights] = [...bytesOf].sort(([, a], [, b]) => b - a).map(([type]) => type);
  const vocab = tensors.get("token_embd.weight")?.shape[0];
  const context = metadata.get(`${metadata.get("general.architecture")}.context_length`);
  if (!weights || vocab === undefined || typeof context !== "number") {
    throw new Error(`${path}: expected a language model with token_embd.weight and a context_length`);
  }
  const name = metadata.get("general.name");
  return { name: typeof name === "string" ? name : "unnamed", bytes: size, weights, vocab, context };
}

/** Types at which two engines of 8-bit activations come this near: the noise of rounding is 5e-4 over random weights. */
const precise: readonly GgufTensorType[] = ["F32", "F16", "BF16", "Q8_0"];

/**
 * The divergence, in nats, above which two sides do not compute the same: 1e-3, and 1e-2 for weights of fewer
 * bits. A kernel that is wrong anywhere lies far above. (For K types llama.cpp rounds activations in blocks of
 * 256, Kvasir in blocks of 32.)
 */
export function defaultMaxKl(weights: GgufTensorType): number {
  return precise.includes(weights) ? 1e-3 : 1e-2;
}
