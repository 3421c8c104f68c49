import type { Tensor } from "@kvasir/kernels";
import type { ModelConfig } from "../config/model-config.ts";
import type { Value } from "../graph/graph.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { LayerMap, MappedLayer } from "../layer-map.ts";

/** Both have rows of outputs. */
export type DecoderResults = {
  /** What the head reads: the last layer's result after the final norm, width `hiddenSize`. */
  readonly hidden: Value;
  /** Width `vocabSize`. */
  readonly logits: Value;
};

/** What a decoder is built from. */
export type DecoderParts = {
  readonly g: GraphBuilder;
  readonly config: ModelConfig;
  readonly map: LayerMap;
  /** The checkpoint's tensor of that name; throws where it is missing or has another shape. */
  readonly weight: (name: string, shape: readonly number[]) => Tensor;
  /** Passes over a chunk for each cyclic group of the map, and the change that ends them early (0: none). */
  readonly passes: number;
  readonly tolerance: number;
};

/**
 * The decoder of the Llama family, with pre-norm blocks, rotary attention over grouped heads and a gated
 * MLP. What sets its members apart is in the configuration: Qwen 2 has biases on q, k and v, Qwen 3 norms
 * on query and key heads, Mistral a window in every entry of its layer map, LCKV and CLA the map itself.
 */
export function decoder(parts: DecoderParts): DecoderResults {
  const { g, config, map, weight } = parts;
  const { vocabSize, hiddenSize, rmsNormEps } = config;
  const embedding = weight("model.embed_tokens.weight", [vocabSize, hiddenSize]);
  let x = g.embed(embedding);
  for (let i = 0; i < map.layers.length; i++) {
    const group = map.groups.find(({ first }) => first === i);
    if (group) {
      const cyclic = map.layers.slice(group.first, group.last + 1);
      x = g.iterate(group.kvLayers, parts.passes, parts.tolerance, x, (start) =>
        cyclic.reduce((y, layer) => decoderLayer(parts, layer, y), start),
      );
      i = group.last;
    } else x = decoderLayer(parts, map.layers[i]!, x);
  }
  const head = config.tiedEmbeddings ? embedding : weight("lm_head.weight", [vocabSize, hiddenSize]);
  const hidden = g.rmsNorm(g.gatherOutputs(x), weight("model.norm.weight", [hiddenSize]), rmsNormEps);
  return { hidden, logits: g.linear(hidden, head) };
}

function decoderLayer(parts: DecoderParts, layer: MappedLayer, x: Value): Value {
  const { g, config, weight } = parts;
  const at = `model.layers.${layer.index}`;
  const norm = (y: Value, name: string) =>
    g.rmsNorm(y, weight(`${at}.${name}.weight`, [config.hiddenSize]), config.rmsNormEps);
  const y = g.add(x, attention(parts, layer, norm(x, "input_layernorm"), `${at}.self_attn`));
  return g.add(y, mlp(parts, norm(y, "post_attention_layernorm"), `${at}.mlp`));
}

/** A layer that is not its own source has no k and v projections: it reads what its source stored. */
function attention(parts: DecoderParts, layer: MappedLayer, h: Value, at: string): Value {
  const { g, config } = parts;
  const { headDim, rope, qkvBias, outputBias } = config;
  const queryWidth = config.heads * headDim;
  const kvWidth = config.kvHeads * headDim;
  const turned = (name: "q" | "k", width: number) => {
    const heads = project(parts, h, `${at}.${name}_proj`, width, qkvBias);
    return g.rope(config.qkNorm ? headNorm(parts, heads, `${at}.${name}_norm`) : heads, rope);
  };
  if (layer.writesKv) {
    g.writeKv(layer.kvLayer, turned("k", kvWidth), project(parts, h, `${at}.v_proj`, kvWidth, qkvBias));
  }
  const how = { ...layer.mask, scale: 1 / Math.sqrt(headDim), rope };
  const attended = g.attend(turned("q", queryWidth), layer.kvLayer, how);
  return project(parts, attended, `${at}.o_proj`, config.hiddenSize, outputBias);
}

function mlp(parts: DecoderParts, h: Value, at: string): Value {
  const { g, config } = parts;
  const gate = project(parts, h, `${at}.gate_proj`, config.intermediateSize, config.mlpBias);
  const up = project(parts, h, `${at}.up_proj`, config.intermediateSize, config.mlpBias);
  return project(parts, g.swiglu(gate, up), `${at}.down_proj`, config.hiddenSize, config.mlpBias);
}

function headNorm({ g, config, weight }: DecoderParts, x: Value, at: string): Value {
  return g.rmsNorm(x, weight(`${at}.weight`, [config.headDim]), config.rmsNormEps);
}

function project({ g, weight }: DecoderParts, x: Value, at: string, width: number, biased: boolean): Value {
  const matrix = weight(`${at}.weight`, [width, x.width]);
  return g.linear(x, matrix, biased ? weight(`${at}.bias`, [width]) : undefined);
}
