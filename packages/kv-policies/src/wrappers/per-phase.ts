import {
  choosesSlots,
  combine,
  combineForLayers,
  optionsOfPart,
  refuseCombination,
  signalsOf,
  withParts,
} from "../combination.ts";
import type { PolicyDefinition } from "../definition.ts";
import { joinedDefaults } from "../joined-defaults.ts";

/**
 * One policy for the prompt and another while decoding: `perPhase(snapkv, h2o)`, "snapkv>h2o" by name. The common options hold for both; a
 * parameter goes to each part that has one of its name.
 *
 * Unless told, `budget` and `protectLayers` are the prompt's policy's (the other's where it has none), `prefill` is the prompt's,
 * `decode` the other's, and the guards the larger of both. Where one of them divides the budget or profiles heads, that
 * holds for both; where both do, they are refused.
 * @throws PolicyError `INVALID_DEFINITION`
 */
export function perPhase(prefill: PolicyDefinition, decode: PolicyDefinition): PolicyDefinition {
  return combineForLayers(phasedName(prefill, decode), [prefill, decode], ([first, second]) =>
    phased(first!, second!),
  );
}

const phasedName = (prefill: PolicyDefinition, decode: PolicyDefinition) => `${prefill.name}>${decode.name}`;

function phased(prefill: PolicyDefinition, decode: PolicyDefinition): PolicyDefinition {
  const name = phasedName(prefill, decode);
  const parts = [prefill, decode];
  if (parts.flatMap(withParts).some((part) => part.name.includes(">")))
    refuseCombination(name, "its parts tell the phases apart already.");
  const only = (what: "allocate" | "profile") => {
    const having = parts.filter((part) => part[what]);
    if (having.length > 1)
      refuseCombination(name, `${what}: both parts have one, and one holds for both.`, what);
    return having[0];
  };
  const [allocator, profiler] = [only("allocate"), only("profile")];
  const defaults = joinedDefaults(parts.filter((part) => withParts(part).some(choosesSlots)));
  return combine(parts, {
    name,
    signals: signalsOf(parts),
    defaults: {
      ...defaults,
      prefill: prefill.defaults.prefill ?? "end",
      decode: decode.defaults.decode ?? true,
    },
    sharesBy: allocator?.sharesBy ?? "head",
    partAt: ({ phase }) => (phase === "prefill" ? prefill : decode),
    allocators: [...new Set([allocator, profiler])].filter((part) => part !== undefined),
    ...(allocator && {
      allocate: (context) =>
        allocator.allocate!({ ...context, options: optionsOfPart(allocator, context.options) }),
    }),
    ...(profiler && {
      profile: (context) =>
        profiler.profile!({ ...context, options: optionsOfPart(profiler, context.options) }),
    }),
  });
}
