import type { Policy } from "@kvasir/kv-policies";
import type { Model } from "@kvasir/runtime";
import type { CacheReason } from "./generation.ts";

/** Which keys and values of others a sequence may use, and which of its own others may. */
export type Sharing = {
  /** The part of the prefix tree that it reads and writes. */
  readonly namespace: string;
  /** Prompt tokens that may come from the cache, at most. */
  readonly most: number;
  /** Only multiples of so many tokens do. */
  readonly grid: number;
  /** Where `most` or `grid` keeps it from using all that it could: why. */
  readonly limit: CacheReason | undefined;
  /** What it leaves behind: its prompt, generated tokens too, or nothing. */
  readonly stores: "nothing" | "prompt" | "all";
};

export type SharingQuery = {
  readonly policy: Policy;
  readonly model: Pick<Model, "layerMap">;
  readonly promptLength: number;
  readonly chunkTokens: number;
  /** Passes over a chunk may end early. */
  readonly tolerance: number;
  readonly namespace: string;
  /** The request wants nothing of the cache. */
  readonly isOff: boolean;
  /** All of the prompt is to be computed, though others may use what comes of it. */
  readonly computesAll: boolean;
};

/**
 * A cached prefix takes part only where it changes no bit of the answer. Whole pages of a prompt, as they are before
 * anything is evicted from them, are the same for every policy; so they are shared among all policies, but
 *
 * - a policy that adds attention up per slot writes to the pages of its prompt, and needs all that was paid there: it
 *   shares nothing. One that goes by the newest queries computes at least those again.
 * - one that evicts after every chunk has seen fewer keys from the second chunk on: nothing of that is anybody else's.
 * - what is generated under a policy that evicts depends on what was evicted, so it stays the request's own.
 * - with a cyclic layer map the passes over a chunk begin where the chunk begins, so a prompt goes on only at such a
 *   place; what is generated has other passes than a prompt. Where passes end early, a chunk's length matters, too.
 */
export function sharingOf(query: SharingQuery): Sharing {
  const { policy, model, promptLength, namespace } = query;
  const own = { namespace, grid: 1, limit: undefined, stores: "all" } as const;
  const isCyclic = model.layerMap.groups.length > 0;
  if (query.isOff) return { ...own, most: 0, limit: "off", stores: "nothing" };
  if (isCyclic && query.tolerance > 0) return { ...own, most: 0, limit: "chunk", stores: "nothing" };
  if (policy.evicts && (policy.collects !== undefined || policy.options.prefill === "chunk"))
    return { ...own, most: 0, limit: "policy", stores: "nothing" };
  const queries = policy.evicts ? policy.window : 0;
  const most = query.computesAll ? 0 : Math.max(0, promptLength - Math.max(1, queries));
  return {
    namespace,
    most,
    grid: isCyclic ? query.chunkTokens : 1,
    limit: query.computesAll ? "off" : isCyclic ? "chunk" : queries > 1 ? "policy" : undefined,
    stores: isCyclic || policy.evicts ? "prompt" : "all",
  };
}
