import { describe, expect, it } from "vitest";
import { builtInPolicies } from "./built-in-policies.ts";
import { choosesSlots, withParts } from "./combination.ts";
import { createPolicy } from "./create-policy.ts";
import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import { guardsOnly, layerAttention, recentAttention, summedAttention } from "./sample-policies.ts";
import { SIGNALS } from "./signals.ts";
import { allocationOf, signalsOfHead } from "./simulated-request.ts";
import { adaptive } from "./wrappers/adaptive.ts";
import { chunked } from "./wrappers/chunked.ts";
import { merge } from "./wrappers/merge.ts";
import { perLayer } from "./wrappers/per-layer.ts";
import { perPhase } from "./wrappers/per-phase.ts";

const own = [...builtInPolicies, guardsOnly, layerAttention, recentAttention, summedAttention];
const wraps: Record<string, (inner: PolicyDefinition) => PolicyDefinition> = {
  "as it is": (inner) => inner,
  adaptive,
  chunked,
  merge,
  "chunked and adaptive": (inner) => chunked(adaptive(inner)),
  "before another": (inner) => perPhase(inner, l2Norm),
  "after another": (inner) => perPhase(l2Norm, inner),
  "in some layers": (inner) => perLayer((layer) => (layer % 2 ? inner : l2Norm)),
};

/** Options drawn for a seed: any that are allowed together. */
function drawOptions(seed: number) {
  const sinks = (seed * 3) % 7;
  const recent = (seed * 5) % 23;
  const minTokens = seed % 3 ? 0 : (seed * 7) % 40;
  const pageTokens = [4, 16][seed % 2]!;
  const least = Math.max(sinks + Math.max(recent, 1), minTokens, pageTokens);
  const budget = seed % 4 === 0 ? least + (seed % 9) : [0.05, 0.3, 0.8][seed % 3]!;
  const protectLayers = [[], [0], [-1, 1]][seed % 3]!;
  const environment = { layers: 4, heads: 2, pageTokens, signals: SIGNALS };
  return { options: { sinks, recent, minTokens, budget, protectLayers }, environment, least };
}

/** What is wrong with the slots kept of so many, or nothing. */
function guardFault(
  kept: Int32Array,
  resident: number,
  least: number,
  { sinks, recent }: { readonly sinks: number; readonly recent: number },
): string | undefined {
  if (kept.length < Math.min(resident, least)) return `kept ${kept.length} of ${resident}, not ${least}`;
  const slots = new Set(kept);
  for (let slot = 0; slot < resident; slot++) {
    const isGuarded = slot < sinks || slot >= resident - Math.max(recent, 1);
    if (isGuarded && !slots.has(slot)) return `slot ${slot} of ${resident} is missing`;
  }
  return undefined;
}

const evicting = own.filter((definition) => withParts(definition).some(choosesSlots));
const cases = evicting.flatMap((inner) =>
  Object.entries(wraps).map(([how, wrap]) => [inner.name, how, inner, wrap] as const),
);

describe("whatever the policy and however it is wrapped, guarded slots stay", () => {
  it.each(cases)("%s, %s", async (_name, _how, inner, wrap) => {
    let tried = 0;
    for (let seed = 0; seed < 24; seed++) {
      const { options, environment, least } = drawOptions(seed);
      let policy: ReturnType<typeof createPolicy>;
      try {
        policy = createPolicy(wrap(inner), options, environment);
      } catch (error) {
        // What cannot be combined is refused before any request; nothing else may go wrong.
        if (error instanceof PolicyError && error.code === "INVALID_DEFINITION" && wrap !== wraps["as it is"])
          continue;
        throw error;
      }
      tried += 1;
      const resident = 1 + ((seed * 29) % 150);
      const { shares, profile } = await allocationOf(policy, "random", resident);
      for (const phase of ["prefill", "decode"] as const) {
        for (let i = 0; i < 8; i++) {
          const seen = phase === "prefill" ? resident : resident + (seed % 5);
          const state = { layer: i >> 1, head: i & 1, resident, seen, phase };
          const signals = signalsOfHead(policy, "random", state);
          const kept = policy.select({ ...state, signals, share: shares[i]!, profile: profile[i]! });
          const keepsAll = policy.options.protectLayers.includes(state.layer);
          const fault = guardFault(kept, resident, keepsAll ? resident : least, options);
          expect(fault, `seed ${seed}, layer ${state.layer}, ${phase}`).toBeUndefined();
        }
      }
    }
    if (wrap === wraps["as it is"]) expect(tried).toBe(24);
  });

  it("and every wrapper takes some of them", () => {
    for (const [how, wrap] of Object.entries(wraps)) {
      const taken = evicting.filter((inner) => {
        try {
          createPolicy(wrap(inner), { budget: 0.5 }, drawOptions(1).environment);
          return true;
        } catch {
          return false;
        }
      });
      expect(taken.length, how).toBeGreaterThan(1);
    }
  });
});
