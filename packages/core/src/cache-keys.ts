import { namespaceText, prefixNamespace } from "./session/prefix-namespace.ts";

/** What keys and values depend on besides tokens: two engines with the same may use each other's. */
export type CacheIdentity = {
  /** Of the checkpoint's files. */
  readonly fingerprint: string;
  readonly layerMap: string;
  /** Passes over a chunk, and its length, for cyclic maps. */
  readonly passes: string;
  /** What weights were quantised to while loading. */
  readonly weights: string;
  /** Sums differ in their last bits from one set of instructions to another. */
  readonly device: string;
  readonly dtype: string;
  readonly pageTokens: number;
};

/** Whose prefix it is. */
export type CacheOwner = {
  readonly tenant: string;
  readonly salt: string;
};

/**
 * Names the parts of a prefix tree. All of a tree has one identity, which saved files carry beside the names; whole pages
 * of a prompt are the same for every policy (`sharing.ts`), so none is in them.
 */
export class CacheKeys {
  readonly identity: CacheIdentity;

  constructor(identity: CacheIdentity) {
    this.identity = identity;
  }

  /** Hex. Each part has a domain of its own, so that no tenant's name can be another's name with a salt. */
  namespace({ tenant, salt }: CacheOwner): string {
    return namespaceText(prefixNamespace({ tenant, cacheSalt: salt, policy: "any" }));
  }
}
