import { readFileSync } from "node:fs";
import { readSafetensors } from "@kvasir/runtime";

type Entry = { readonly key: Float64Array; readonly value: Float64Array; readonly position: number };

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/**
 * A Llama forward pass in double precision, one token at a time, over a plain cache of unrotated keys: the
 * reference for evictions. What is not in `cache[layer][kvHead]` is as if masked.
 */
export class PlainLlama {
  readonly cache: Entry[][][];
  /** "cache": keys and queries are turned by their place in the cache, as in StreamingLLM. */
  positions: "original" | "cache" = "original";
  /** Of every layer and token, the query of each head, not turned. */
  readonly #queries: Float64Array[][][];
  #seen = 0;
  readonly #config: Record<string, number>;
  readonly #weights: ReadonlyMap<string, Float32Array>;

  private constructor(config: Record<string, number>, weights: ReadonlyMap<string, Float32Array>) {
    this.#config = config;
    this.#weights = weights;
    this.cache = Array.from({ length: config.num_hidden_layers! }, () =>
      Array.from({ length: config.num_key_value_heads! }, () => []),
    );
    this.#queries = this.cache.map(() => []);
  }

  static async load(folder: string): Promise<PlainLlama> {
    const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8")) as Record<string, number>;
    const layer = ["input_layernorm", "post_attention_layernorm"];
    layer.push(...["q", "k", "v", "o"].map((name) => `self_attn.${name}_proj`));
    layer.push(...["gate", "up", "down"].map((name) => `mlp.${name}_proj`));
    const names = ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"];
    for (let i = 0; i < config.num_hidden_layers!; i++) {
      names.push(...layer.map((name) => `model.layers.${i}.${name}.weight`));
    }
    const weights = new Map<string, Float32Array>();
    for (const name of names)
      weights.set(name, (await readSafetensors(`${folder}/model.safetensors`, name)).data);
    return new PlainLlama(config, weights);
  }

  /** Logits after one more token. */
  next(token: number): Float64Array {
    const {
      hidden_size: width = 0,
      num_attention_heads: heads = 0,
      num_key_value_heads: kvHeads = 0,
    } = this.#config;
    const headDim = width / heads;
    let x = Float64Array.from(
      this.#weight("model.embed_tokens").subarray(token * width, (token + 1) * width),
    );
    for (const [layer, heads_] of this.cache.entries()) {
      const h = this.#norm(x, `model.layers.${layer}.input_layernorm`);
      const q = this.#linear(h, `model.layers.${layer}.self_attn.q_proj`);
      const k = this.#linear(h, `model.layers.${layer}.self_attn.k_proj`);
      const v = this.#linear(h, `model.layers.${layer}.self_attn.v_proj`);
      const cut = (vector: Float64Array, head: number) => vector.slice(head * headDim, (head + 1) * headDim);
      heads_.forEach((entries, head) => {
        entries.push({ key: cut(k, head), value: cut(v, head), position: this.#seen });
      });
      this.#queries[layer]!.push(Array.from({ length: heads }, (_, head) => cut(q, head)));
      const out = new Float64Array(width);
      for (let head = 0; head < heads; head++) {
        const entries = heads_[Math.floor((head * kvHeads) / heads)]!;
        const place = (index: number) => (this.positions === "cache" ? index : entries[index]!.position);
        const query = this.#turn(cut(q, head), place(entries.length - 1));
        const scores = entries.map(
          ({ key }, index) => dot(query, this.#turn(key, place(index))) / Math.sqrt(headDim),
        );
        const highest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - highest));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        entries.forEach(({ value }, index) => {
          for (let i = 0; i < headDim; i++) out[head * headDim + i]! += (weights[index]! / total) * value[i]!;
        });
      }
      x = x.map((value, i) => value + this.#project(out, layer, "self_attn.o_proj")[i]!);
      const m = this.#norm(x, `model.layers.${layer}.post_attention_layernorm`);
      const gate = this.#linear(m, `model.layers.${layer}.mlp.gate_proj`);
      const up = this.#linear(m, `model.layers.${layer}.mlp.up_proj`);
      const down = this.#project(
        gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!),
        layer,
        "mlp.down_proj",
      );
      x = x.map((value, i) => value + down[i]!);
    }
    this.#seen += 1;
    return this.#linear(this.#norm(x, "model.norm"), "lm_head");
  }

  /** The L2 norms of one head's keys, in slot order. */
  keyNorms(layer: number, head: number): number[] {
    return this.cache[layer]![head]!.map(({ key }) => Math.sqrt(dot(key, key)));
  }

  /**
   * What the newest `count` tokens pay to the entries that one KV head has now, at their original positions: for
   * each token, for each query head of the KV head, a share for each entry, 0 for those that came later.
   */
  attention(layer: number, kvHead: number, count: number): number[][][] {
    const entries = this.cache[layer]![kvHead]!;
    const group = this.#config.num_attention_heads! / this.#config.num_key_value_heads!;
    return this.#queries[layer]!.slice(-count).map((heads, i, newest) => {
      const position = this.#seen - newest.length + i;
      return heads.slice(kvHead * group, (kvHead + 1) * group).map((query) => {
        const turned = this.#turn(query, position);
        const weights = entries.map(({ key, position: at }) =>
          at > position ? 0 : Math.exp(dot(turned, this.#turn(key, at)) / Math.sqrt(key.length)),
        );
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return weights.map((weight) => weight / total);
      });
    });
  }

  #weight(name: string): Float32Array {
    return this.#weights.get(`${name}.weight`)!;
  }

  #project(x: Float64Array, layer: number, name: string): Float64Array {
    return this.#linear(x, `model.layers.${layer}.${name}`);
  }

  #linear(x: Float64Array, name: string): Float64Array {
    const weight = this.#weight(name);
    const n = x.length;
    return Float64Array.from({ length: weight.length / n }, (_, row) =>
      dot(x, weight.subarray(row * n, (row + 1) * n)),
    );
  }

  #norm(x: Float64Array, name: string): Float64Array {
    const scale = 1 / Math.sqrt(dot(x, x) / x.length + this.#config.rms_norm_eps!);
    const weight = this.#weight(name);
    return x.map((value, i) => value * scale * weight[i]!);
  }

  #turn(vector: Float64Array, position: number): Float64Array {
    const half = vector.length / 2;
    const turned = new Float64Array(vector.length);
    for (let i = 0; i < half; i++) {
      const angle = position * this.#config.rope_theta! ** (-i / half);
      const [a, b] = [vector[i]!, vector[i + half]!];
      turned[i] = a * Math.cos(angle) - b * Math.sin(angle);
      turned[i + half] = b * Math.cos(angle) + a * Math.sin(angle);
    }
    return turned;
  }
}

export function logSoftmax(logits: Float64Array): Float64Array {
  const highest = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
  return logits.map((logit) => logit - highest - Math.log(total));
}
