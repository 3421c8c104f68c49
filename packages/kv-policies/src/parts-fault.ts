import type { ActingParts } from "./acting-parts.ts";
import { isAttention } from "./attention-spec.ts";
import type { PolicyDefinition } from "./definition.ts";
import type { Fault } from "./definition-shape.ts";
import type { CommonOptions } from "./options.ts";
import type { Needs } from "./policy.ts";
import type { Signal } from "./signals.ts";

/** Heads of a layer must keep the same slots: their attention is averaged slot by slot. */
export function goesByLayer({ signals, attention }: Needs): boolean {
  return attention.over === "layer" && signals.some(isAttention);
}

/** Says what does not go together in a policy, or nothing. */
export function partsFault(
  definition: PolicyDefinition,
  acting: ActingParts,
  positions: "original" | "cache",
): Fault | undefined {
  return (
    acting.prefill.map((_, layer) => layerFault(definition, acting, layer)).find((fault) => fault) ??
    positionsFault(acting, positions)
  );
}

function layerFault(definition: PolicyDefinition, acting: ActingParts, layer: number): Fault | undefined {
  const [prefill, decode] = [acting.prefill[layer]!, acting.decode[layer]!];
  const byLayer = [prefill, decode].filter(({ own }) => goesByLayer(own));
  if (byLayer.length === 0) return undefined;
  const fault = (field: string, reason: string): Fault => ({
    field,
    message: `${field}: heads of a layer that share their attention (over: "layer") must keep the same slots, but ${reason}.`,
  });
  if (definition.allocate && definition.sharesBy === "head")
    return fault("allocate", "it divides the budget by head");
  if (definition.profile) return fault("profile", "it tells heads apart");
  for (const part of byLayer) {
    if (part.definition.sizesItself) return fault("sizesItself", "each decides how many it keeps");
    const apart = part.own.signals.find((signal: Signal) => !isAttention(signal) && signal !== "position");
    if (apart) return fault("signals", `it also reads ${apart}, which differs from head to head`);
  }
  if (goesByLayer(decode.own) && prefill.evicts && !goesByLayer(prefill.own))
    return fault("attention", `${prefill.definition.name} chooses for each head alone before`);
  return undefined;
}

function positionsFault(acting: ActingParts, positions: "original" | "cache"): Fault | undefined {
  if (positions === "original") return undefined;
  const signal = acting.decode.flatMap(({ own }) => own.signals).find(isAttention);
  if (!signal) return undefined;
  return {
    field: "positions",
    message: `positions: those of the cache ("cache") change with every eviction, so ${signal} cannot be read while decoding.`,
  };
}

/** Attention that a prompt's chunks read would be that of changing positions, too. */
export function chunkFault(
  acting: ActingParts,
  positions: "original" | "cache",
  { prefill }: CommonOptions,
): string | undefined {
  if (positions === "original" || prefill === "end") return undefined;
  const signal = acting.prefill.flatMap(({ own }) => own.signals).find(isAttention);
  return signal && `"end", as positions change with every eviction ("cache") and ${signal} is read`;
}
