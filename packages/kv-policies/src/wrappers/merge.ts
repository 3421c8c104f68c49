import { around, refuseCombination, wrapWhatChooses } from "../combination.ts";
import type { PolicyDefinition } from "../definition.ts";

/**
 * Merging (D2O, Wan et al. 2024, arXiv 2406.13035; CaM, Zhang et al. 2024, ICML): the value of a slot that is evicted is not
 * lost but folded into that of the kept slot whose key is most similar to its own, in proportion to exp(cosine), where
 * that cosine is at least `mergeThreshold`. Which slots are kept stays as it is.
 *
 * Differs from D2O: the threshold is fixed instead of a moving average of similarities, keys stay as they are (a sum
 * of keys that were rotated by different positions has none), and layers are not told apart. Differs from CaM: it
 * merges by similarity of keys, not by chance in proportion to attention.
 * @throws PolicyError `INVALID_DEFINITION` for a policy that evicts nothing or merges already
 */
export function merge(inner: PolicyDefinition): PolicyDefinition {
  return wrapWhatChooses("merge", inner, (part, name) => {
    if (part.merge) refuseCombination(name, "it merges already.", "merge");
    return around(part, {
      name,
      parameters: {
        mergeThreshold: {
          type: "number",
          default: 0.8,
          minimum: -1,
          maximum: 1,
          description: "cosine of keys from which an evicted value is folded into a kept one",
        },
      },
      merge: (options) => {
        const { mergeThreshold } = options as typeof options & { readonly mergeThreshold: number };
        return { threshold: mergeThreshold };
      },
    });
  });
}
