import { leastKept } from "../budget.ts";
import { checkScores } from "../check-scores.ts";
import {
  combine,
  combineForLayers,
  optionsOfPart,
  partAt,
  refuseCombination,
  signalsOf,
  wrappedName,
} from "../combination.ts";
import type { AllocateContext, PolicyDefinition } from "../definition.ts";
import type { PolicyParameters } from "../options.ts";
import { pooledWinners } from "../pooled-winners.ts";
import type { Signal } from "../signals.ts";

type Context = AllocateContext<Signal, PolicyParameters>;
type Options = Context["options"] & { readonly alphaSafeguard?: number };

/**
 * AdaKV (Feng et al. 2024, arXiv 2407.11550): heads that spread their attention get more of their layer's budget. The
 * scores of all heads of a layer are pooled; a head's budget is the number of its slots among the highest of the
 * layer, mixed with an equal part (`alphaSafeguard`, 0.2 as in the paper's experiments) so that none starves. Slots
 * are then chosen as without it. Scores must be comparable between heads: attention is, norms are less so.
 *
 * Takes any policy with a `score`; one that divides a budget over layers (PyramidKV) goes on doing so, and each layer's
 * part is divided over its heads.
 *
 * Differs from the paper: guarded slots (sinks and recent) are each head's own and take no part in the pool; what is
 * equal at the border is divided in proportion instead of by index; and the shares hold for the rest of the request,
 * while decoding, too.
 * @throws PolicyError `INVALID_DEFINITION` for a policy without scores
 */
export function adaptive(inner: PolicyDefinition): PolicyDefinition {
  return combineForLayers(wrappedName("adaptive", inner), [inner], ([known], layers) =>
    divided(known!, layers ?? 1),
  );
}

function divided(inner: PolicyDefinition, layers: number): PolicyDefinition {
  const name = wrappedName("adaptive", inner);
  const acting = Array.from({ length: layers }, (_, layer) => partAt(inner, { layer, phase: "prefill" }));
  if (acting.some(({ select }) => select) || !acting.some(({ score }) => score))
    refuseCombination(name, "it needs scores of the prompt's slots to compare its heads by.", "score");
  const { profile } = inner;
  return combine([inner], {
    name,
    signals: signalsOf([inner]),
    defaults: inner.defaults,
    parameters: {
      alphaSafeguard: {
        type: "number",
        default: 0.2,
        minimum: 0,
        maximum: 1,
        description: "part of a head's budget that it has in any case",
      },
    },
    partAt: () => inner,
    ...(profile && { profile: (context) => profile(withOptions(inner, context)) }),
    allocate: (context) => divideLayers(inner, context),
  });
}

const withOptions = (inner: PolicyDefinition, context: Context): Context => ({
  ...context,
  options: optionsOfPart(inner, context.options),
});

async function divideLayers(inner: PolicyDefinition, context: Context): Promise<Float32Array> {
  const { layers, heads, options } = context;
  const given = await inner.allocate?.(withOptions(inner, context));
  const shares = given?.slice() ?? new Float32Array(layers * heads).fill(1);
  for (let layer = 0; layer < layers; layer++) {
    const part = partAt(inner, { layer, phase: "prefill" });
    if (!part.score || options.protectLayers.includes(layer)) continue;
    const ofLayer = shares.subarray(layer * heads, (layer + 1) * heads);
    ofLayer.set(await divideLayer(part, layer, ofLayer, context));
  }
  return shares;
}

/** New shares of a layer's heads with the sum of the old ones. */
async function divideLayer(
  part: PolicyDefinition,
  layer: number,
  shares: Float32Array,
  context: Context,
): Promise<number[]> {
  const { heads, pageTokens, budget } = context;
  const options: Options = optionsOfPart(part, context.options);
  const { sinks } = options;
  const recent = Math.max(options.recent, 1);
  const sorted: Float32Array[] = [];
  const open: number[] = [];
  for (let head = 0; head < heads; head++) {
    const resident = context.resident(layer, head);
    const wanted = Math.max(Math.ceil(shares[head]! * budget), leastKept(options, pageTokens));
    const kept = Math.min(resident, wanted);
    const scores = part.score!({
      ...(await context.signals(layer, head)),
      ...{
        layer,
        head,
        layers: context.layers,
        heads,
        resident,
        seen: context.seen,
        budget: kept,
        pageTokens,
      },
      ...{ phase: "prefill", profile: context.profile(layer, head), options },
    });
    checkScores(part.name, scores, resident);
    sorted.push(scores.slice(sinks, Math.max(sinks, resident - recent)).sort());
    open.push(Math.max(0, kept - sinks - recent));
  }
  const total = open.reduce((sum, slots) => sum + slots, 0);
  const winners = pooledWinners(sorted, total);
  const alpha = options.alphaSafeguard!;
  const slots = winners.map((won, head) => sinks + recent + won * (1 - alpha) + open[head]! * alpha);
  const scale = shares.reduce((a, b) => a + b, 0) / slots.reduce((a, b) => a + b, 0);
  return slots.map((count) => count * scale);
}
