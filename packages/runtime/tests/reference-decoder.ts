import type { Tensors } from "./safetensors.ts";

/** The fields of a Hugging Face config.json that the reference reads. */
export type ReferenceConfig = {
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rope_theta: number;
  readonly rms_norm_eps: number;
  readonly sliding_window?: number;
  /** The layer map; absent: every layer reads its own keys and values. */
  readonly layer_types?: string;
  readonly force_nodiag?: boolean;
};

/**
 * A decoder of the Llama family in double precision, one token after the other: logits of each. A layer
 * below its source finds there what the tokens before left, which is what strict attention means.
 */
export function referenceLogits(
  c: ReferenceConfig,
  weights: Tensors,
  tokens: readonly number[],
  /** Matrices whose inputs are rounded to 8 bits first, as those of quantised weights are. */
  quantised: ReadonlySet<string> = new Set(),
): number[][] {
  const tensor = (name: string) => Array.from(weights[name]?.data ?? []);
  const row = (name: string, i: number, n: number) =>
    Array.from(weights[name]!.data.subarray(i * n, (i + 1) * n));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const plus = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x + (b[i] ?? 0));
  const project = (inputs: readonly number[], name: string) => {
    const x = quantised.has(`${name}.weight`) ? roundedTo8Bits(inputs) : inputs;
    const products = Array.from({ length: weights[`${name}.weight`]!.shape[0]! }, (_, i) =>
      dot(row(`${name}.weight`, i, x.length), x),
    );
    return plus(products, tensor(`${name}.bias`));
  };
  const norm = (x: readonly number[], name: string) => {
    const scale = 1 / Math.sqrt(dot(x, x) / x.length + c.rms_norm_eps);
    return tensor(name).map((weight, i) => x[i]! * scale * weight);
  };
  const heads = (x: readonly number[], normName: string) =>
    Array.from({ length: x.length / c.head_dim }, (_, h) => {
      const head = x.slice(h * c.head_dim, (h + 1) * c.head_dim);
      return weights[normName] ? norm(head, normName) : head;
    });
  const turn = (head: readonly number[], position: number) => {
    const half = c.head_dim / 2;
    return head.map((x, i) => {
      const angle = position * c.rope_theta ** (-(i % half) / half);
      return x * Math.cos(angle) + (i < half ? -head[i + half]! : head[i - half]!) * Math.sin(angle);
    });
  };
  const cache = Array.from({ length: c.num_hidden_layers }, () => ({
    k: [] as number[][][],
    v: [] as number[][][],
  }));
  return tokens.map((token, t) => {
    let x = row("model.embed_tokens.weight", token, tensor("model.norm.weight").length);
    for (let i = 0; i < cache.length; i++) {
      const at = `model.layers.${i}`;
      const entry = c.layer_types?.split("_")[i];
      const source = Number.parseInt(entry ?? String(i), 10);
      const { k, v } = cache[source]!;
      const h = norm(x, `${at}.input_layernorm.weight`);
      const split = (name: string) =>
        heads(project(h, `${at}.self_attn.${name}_proj`), `${at}.self_attn.${name}_norm.weight`);
      if (source === i) {
        k.push(split("k").map((head) => turn(head, t)));
        v.push(split("v"));
      }
      const sliding = entry ? entry.endsWith("s") : c.sliding_window !== undefined;
      const first = sliding ? Math.max(0, t + 1 - c.sliding_window!) : 0;
      const end = c.force_nodiag ? t : t + 1;
      const attended = split("q").flatMap((query, head) => {
        const kvHead = Math.floor(head / (c.num_attention_heads / c.num_key_value_heads));
        const turned = turn(query, t);
        const seen = v.slice(first, end).map((values) => values[kvHead]!);
        const shares = k
          .slice(first, end)
          .map((keys) => Math.exp(dot(turned, keys[kvHead]!) / Math.sqrt(c.head_dim)));
        const total = shares.reduce((a, b) => a + b, 0) || 1;
        return query.map((_, d) => shares.reduce((sum, share, s) => sum + share * seen[s]![d]!, 0) / total);
      });
      x = plus(x, project(attended, `${at}.self_attn.o_proj`));
      const m = norm(x, `${at}.post_attention_layernorm.weight`);
      const up = project(m, `${at}.mlp.up_proj`);
      const gated = project(m, `${at}.mlp.gate_proj`).map(
        (gate, j) => (gate / (1 + Math.exp(-gate))) * up[j]!,
      );
      x = plus(x, project(gated, `${at}.mlp.down_proj`));
    }
    return project(
      norm(x, "model.norm.weight"),
      weights["lm_head.weight"] ? "lm_head" : "model.embed_tokens",
    );
  });
}

/** In blocks of 32, in single precision: `x * (127 / max)`, halves to even. */
function roundedTo8Bits(row: readonly number[]): number[] {
  const f32 = Math.fround;
  return row.flatMap((_, start) => {
    if (start % 32 > 0) return [];
    const block = row.slice(start, start + 32).map(f32);
    const largest = Math.max(...block.map(Math.abs));
    const inverse = largest === 0 ? 0 : f32(127 / largest);
    return block.map((x) => toEven(f32(x * inverse)) * f32(largest / 127));
  });
}

function toEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
