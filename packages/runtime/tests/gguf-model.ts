import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufTensorType, type GgufWritable, ggufBlocks, writeGguf } from "@kvasir/gguf";
import {
  dequantizeRows,
  isQuantDType,
  type QuantDType,
  quantizeRows,
  type WeightDType,
} from "@kvasir/kernels";
import type { smallConfig } from "./random-checkpoint.ts";
import type { Tensors } from "./safetensors.ts";

export const quantTypes = ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"] as const;
export type QuantType = (typeof quantTypes)[number];

/** A tensor for a file: its bytes, and the values that they stand for. */
export type GgufWeight = {
  readonly type: GgufTensorType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  readonly values: Float32Array;
};

/** Names in the Hugging Face layout and in GGUF files, in the order in which parts are replaced. */
const renames: readonly [string, string][] = [
  ["model.layers.", "blk."],
  ["model.embed_tokens", "token_embd"],
  ["model.norm", "output_norm"],
  ["lm_head", "output"],
  ["input_layernorm", "attn_norm"],
  ["post_attention_layernorm", "ffn_norm"],
  ["self_attn.o_proj", "attn_output"],
  ["self_attn.", "attn_"],
  ["mlp.", "ffn_"],
  ["_proj", ""],
];

const inGguf = (name: string) => renames.reduce((text, [from, to]) => text.replace(from, to), name);

export function floatWeight(shape: readonly number[], values: Float32Array): GgufWeight {
  return {
    type: "F32",
    shape,
    values,
    bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

/** Values in a format's blocks: rounded where Kvasir writes the format, else blocks of noise of about their size. */
export function quantWeight(type: QuantType, shape: readonly number[], values: Float32Array): GgufWeight {
  const dtype = type.toLowerCase() as QuantDType;
  const bytes =
    dtype === "q8_0" || dtype === "q4_0" || dtype === "q4_k"
      ? quantizeRows(dtype, values)
      : noiseBlocks(type, values);
  return { type, shape, bytes, values: dequantizeRows(dtype, bytes) };
}

/** f16 scale and offset of a block whose values reach about from -1 to 1, and where in the block each stands. */
const scales: Readonly<Partial<Record<QuantType, readonly [at: number, value: number][]>>> = {
  Q4_1: [
    [0, 2 / 15],
    [2, -1],
  ],
  Q5_0: [[0, 1 / 16]],
  Q5_1: [
    [0, 2 / 31],
    [2, -1],
  ],
  Q5_K: [
    [0, 1 / 63 / 16],
    [2, 1 / 63],
  ],
  Q6_K: [[208, 1 / 128 / 32]],
};

function noiseBlocks(type: QuantType, values: Float32Array): Uint8Array {
  const block = ggufBlocks[type];
  const bytes = new Uint8Array((values.length / block.values) * block.bytes);
  let state = 7;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length / block.values; i++) {
    const largest = values
      .subarray(i * block.values, (i + 1) * block.values)
      .reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    for (const [at, scale] of scales[type]!)
      view.setUint16(i * block.bytes + at, halfBits(scale * largest), true);
  }
  return bytes;
}

/** The f16 below `x`, of which only the size matters here. */
function halfBits(x: number): number {
  const magnitude = Math.abs(x);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  const fraction = Math.floor(magnitude / 2 ** (exponent - 10));
  const bits = fraction < 1024 ? fraction : ((exponent + 15) << 10) | (fraction - 1024);
  return x < 0 ? bits | 0x8000 : bits;
}

/** Rows of q and k as llama.cpp's converter orders them: pairs (i, i + n) of a head's 2n become neighbours. */
function withNeighbours({ type, shape, bytes, values }: GgufWeight, headDim: number): GgufWeight {
  const rows = shape[0]!;
  const rowBytes = bytes.length / rows;
  const moved = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    const inHead = row % headDim;
    const from = row - inHead + (inHead % 2) * (headDim / 2) + (inHead >> 1);
    moved.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), row * rowBytes);
  }
  return { type, shape, bytes: moved, values };
}

export type GgufModelOptions = {
  readonly architecture?: string;
  /** In the Hugging Face layout, by name. */
  readonly weights: Readonly<Record<string, GgufWeight>>;
  readonly config: typeof smallConfig & { readonly sliding_window?: number };
  /** More keys, or others in the place of those; undefined takes one out. */
  readonly keys?: Readonly<Record<string, GgufWritable | undefined>>;
  /** More tensors, by their names in the file. */
  readonly more?: Readonly<Record<string, GgufWeight>>;
};

/** Metadata as llama.cpp's converter writes them. */
export function ggufKeys({ architecture = "llama", config }: GgufModelOptions): Record<string, GgufWritable> {
  const u32 = (value: number) => ({ type: "u32", value }) as const;
  const f32 = (value: number) => ({ type: "f32", value }) as const;
  const keys = {
    context_length: u32(config.max_position_embeddings),
    embedding_length: u32(config.hidden_size),
    block_count: u32(config.num_hidden_layers),
    feed_forward_length: u32(config.intermediate_size),
    "rope.dimension_count": u32(config.head_dim),
    "rope.freq_base": f32(config.rope_theta),
    "attention.head_count": u32(config.num_attention_heads),
    "attention.head_count_kv": u32(config.num_key_value_heads),
    "attention.key_length": u32(config.head_dim),
    "attention.value_length": u32(config.head_dim),
    "attention.layer_norm_rms_epsilon": f32(config.rms_norm_eps),
    ...(config.sliding_window === undefined
      ? {}
      : { "attention.sliding_window": u32(config.sliding_window) }),
  };
  return {
    "general.architecture": architecture,
    ...Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value])),
    "tokenizer.ggml.tokens": Array.from({ length: config.vocab_size }, (_, i) => `t${i}`),
    "tokenizer.ggml.bos_token_id": u32(config.bos_token_id),
    "tokenizer.ggml.eos_token_id": u32(config.eos_token_id),
  };
}

/** Writes a GGUF file into a folder of its own; dispose it to delete the folder. */
export async function writeGgufModel(
  options: GgufModelOptions,
): Promise<Disposable & { readonly path: string }> {
  const { architecture = "llama", config, weights, keys = {}, more = {} } = options;
  const paired = !architecture.startsWith("qwen");
  const named = Object.entries(weights).map(([name, weight]): [string, GgufWeight] => {
    const turned = paired && /\.self_attn\.[qk]_proj\./.test(name);
    return [inGguf(name), turned ? withNeighbours(weight, config.head_dim) : weight];
  });
  const folder = mkdtempSync(join(tmpdir(), "kvasir-"));
  const path = join(folder, "model.gguf");
  const metadata = Object.entries({ ...ggufKeys(options), ...keys }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  await writeGguf(path, {
    metadata,
    tensors: [...named, ...Object.entries(more)].map(([name, { type, shape, bytes }]) => ({
      name,
      type,
      shape,
      data: () => [bytes],
    })),
  });
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/** The tensors in f32, but for the matrices that `typeOf` gives another type. */
export function weightsOf(
  tensors: Tensors,
  typeOf: (name: string) => QuantType | undefined = () => undefined,
): Record<string, GgufWeight> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => {
      const type = shape.length === 2 ? typeOf(name) : undefined;
      return [name, type ? quantWeight(type, shape, data) : floatWeight(shape, data)];
    }),
  );
}

/** The values that a file holds, for the reference. */
export function valuesOf(weights: Readonly<Record<string, GgufWeight>>): Tensors {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, values }]) => [name, { shape, data: values }]),
  );
}

export function isQuantised({ type }: GgufWeight): boolean {
  return isQuantDType(type.toLowerCase() as WeightDType);
}
