import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufTensorSource, type GgufWritable, writeGguf } from "@kvasir/gguf";
import { quantizeRows } from "@kvasir/kernels";
import { readSafetensors } from "@kvasir/runtime";
import { tiny } from "./checkpoints.ts";

type Json = Record<string, unknown>;

const readJson = (name: string) => JSON.parse(readFileSync(`${tiny}/${name}`, "utf8")) as Json;
const u32 = (value: unknown) => ({ type: "u32", value: value as number }) as const;
const f32 = (value: unknown) => ({ type: "f32", value: value as number }) as const;

/** The parts of a layer, by their names in both layouts. */
const parts: readonly [string, string][] = [
  ["input_layernorm", "attn_norm"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.o_proj", "attn_output"],
  ["post_attention_layernorm", "ffn_norm"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
];

/**
 * The embedded model as a GGUF file with its vocabulary, as llama.cpp's converter would write it: matrices in
 * Q8_0, norms in F32, rows of q and k reordered for rotation of neighbours. `table`: whether the embedding table
 * is in Q8_0 too and serves as output head, or in F32 beside a head of its own. `none` leaves the vocabulary out,
 * and the extension of the file. Dispose it to delete the file.
 */
export async function writeTinyGguf(
  table: "Q8_0" | "F32",
  tokenizer: "gpt2" | "none" = "gpt2",
): Promise<Disposable & { readonly path: string }> {
  const config = readJson("config.json");
  const layers = config.num_hidden_layers as number;
  const heads = config.num_attention_heads as number;
  const headDim = (config.hidden_size as number) / heads;
  const tensors: GgufTensorSource[] = [];
  const add = async (name: string, from: string, type: "Q8_0" | "F32", reorder = false) => {
    const { shape, data } = await readSafetensors(`${tiny}/model.safetensors`, `${from}.weight`);
    const rows = reorder ? withNeighbours(data, shape[1]!, headDim) : data;
    const bytes = type === "F32" ? new Uint8Array(rows.buffer) : quantizeRows("q8_0", rows);
    tensors.push({ name: `${name}.weight`, type, shape, data: () => [bytes] });
  };
  await add("token_embd", "model.embed_tokens", table);
  if (table === "F32") await add("output", "model.embed_tokens", "Q8_0");
  await add("output_norm", "model.norm", "F32");
  for (let layer = 0; layer < layers; layer++) {
    for (const [from, name] of parts) {
      const type = from.endsWith("layernorm") ? "F32" : "Q8_0";
      await add(`blk.${layer}.${name}`, `model.layers.${layer}.${from}`, type, /[qk]_proj$/.test(from));
    }
  }
  const folder = mkdtempSync(join(tmpdir(), "kvasir-"));
  const path = join(folder, tokenizer === "none" ? "tiny" : "tiny.gguf");
  const text = tokenizer === "none" ? ids() : { ...ids(), ...vocabulary() };
  await writeGguf(path, { metadata: Object.entries({ ...modelKeys(config), ...text }), tensors });
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/** Pairs (i, i + n) of a head's 2n rows become neighbours. */
function withNeighbours(data: Float32Array, width: number, headDim: number): Float32Array {
  const moved = new Float32Array(data.length);
  for (let row = 0; row < data.length / width; row++) {
    const inHead = row % headDim;
    const from = row - inHead + (inHead % 2) * (headDim / 2) + (inHead >> 1);
    moved.set(data.subarray(from * width, (from + 1) * width), row * width);
  }
  return moved;
}

function modelKeys(config: Json): Record<string, GgufWritable> {
  return {
    "general.architecture": "llama",
    "llama.block_count": u32(config.num_hidden_layers),
    "llama.context_length": u32(config.max_position_embeddings),
    "llama.embedding_length": u32(config.hidden_size),
    "llama.feed_forward_length": u32(config.intermediate_size),
    "llama.attention.head_count": u32(config.num_attention_heads),
    "llama.attention.head_count_kv": u32(config.num_key_value_heads),
    "llama.attention.layer_norm_rms_epsilon": f32(config.rms_norm_eps),
    "llama.rope.freq_base": f32(config.rope_theta),
  };
}

function ids(): Record<string, GgufWritable> {
  return { "tokenizer.ggml.bos_token_id": u32(0), "tokenizer.ggml.eos_token_id": u32(1) };
}

/** Of `tokenizer.json`: byte-level BPE whose pattern is Qwen 2's, special tokens first. */
function vocabulary(): Record<string, GgufWritable> {
  const { model, added_tokens } = readJson("tokenizer.json") as {
    model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
    added_tokens: { id: number; content: string }[];
  };
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id] = token;
  for (const { id, content } of added_tokens) tokens[id] = content;
  const special = new Set(added_tokens.map(({ id }) => id));
  const settings = readJson("tokenizer_config.json");
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "qwen2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": Int32Array.from(tokens, (_, id) => (special.has(id) ? 3 : 1)),
    "tokenizer.ggml.merges": model.merges.map((merge) =>
      typeof merge === "string" ? merge : merge.join(" "),
    ),
    "tokenizer.ggml.add_bos_token": true,
    "tokenizer.chat_template": settings.chat_template as string,
  };
}
