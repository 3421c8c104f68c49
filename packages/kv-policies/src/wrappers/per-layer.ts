import { allocates } from "../acting-parts.ts";
import { choosesSlots, combine, refuseCombination, signalsOf, withParts } from "../combination.ts";
import { isPolicyDefinition, type PolicyDefinition } from "../definition.ts";
import { joinedDefaults } from "../joined-defaults.ts";

/**
 * A policy of its own for every KV layer: `perLayer((layer, layers) => (layer < 2 ? full : tova))`. The common options hold
 * for all; a parameter goes to each policy that has one of its name. `choose` is called once per layer for each
 * request with options of its own, and must give the same for the same numbers.
 *
 * Unless told, `budget` is that of the lowest layer that has one, layers are protected that their own policy protects,
 * the guards are the largest, and eviction goes on while decoding if it does so for one of them. A policy that divides
 * its budget or profiles heads needs all layers, and is refused: wrap `adaptive` around `perLayer` instead.
 * @throws PolicyError `INVALID_DEFINITION`, from `createPolicy`: only then the number of layers is known
 */
export function perLayer(choose: (layer: number, layers: number) => PolicyDefinition): PolicyDefinition {
  return combine([], {
    name: "per-layer",
    signals: [],
    forLayers: (layers) => {
      const chosen = Array.from({ length: layers }, (_, layer) => {
        const part = choose(layer, layers);
        if (!isPolicyDefinition(part))
          refuseCombination("per-layer", `what was chosen for layer ${layer} is no policy.`);
        return part.forLayers?.(layers) ?? part;
      });
      return layered(chosen);
    },
  });
}

function layered(chosen: readonly PolicyDefinition[]): PolicyDefinition {
  const layers = chosen.length;
  const parts = [...new Set(chosen)];
  const name = `per-layer(${runs(chosen.map((part) => part.name))})`;
  const dividing = parts.find(allocates);
  if (dividing)
    refuseCombination(
      name,
      `${dividing.name} looks at all layers to divide a budget or to profile heads.`,
      "allocate",
    );
  const evicting = parts.filter((part) => withParts(part).some(choosesSlots));
  const protects = (layer: number) =>
    chosen[layer]!.defaults.protectLayers?.some((each) => each === layer || each === layer - layers);
  return combine(parts, {
    name,
    signals: signalsOf(parts),
    defaults: {
      ...joinedDefaults(evicting),
      protectLayers: chosen.map((_, layer) => layer).filter(protects),
      decode: evicting.some(({ defaults }) => defaults.decode ?? true),
    },
    partAt: ({ layer }) => chosen[layer]!,
  });
}

/** "full x2, l2-norm x4" */
function runs(names: readonly string[]): string {
  const found: { name: string; count: number }[] = [];
  for (const name of names) {
    const last = found.at(-1);
    if (last?.name === name) last.count += 1;
    else found.push({ name, count: 1 });
  }
  return found.map(({ name, count }) => `${name} x${count}`).join(", ");
}
