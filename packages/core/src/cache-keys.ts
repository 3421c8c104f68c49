import { createHash } from "node:crypto";

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

/** Names the parts of a prefix tree: SHA-256 over everything that two prompts must agree in besides their tokens. */
export class CacheKeys {
  readonly identity: CacheIdentity;
  readonly #model: string;

  constructor(identity: CacheIdentity) {
    this.identity = identity;
    this.#model = sha256("kvasir model 1", JSON.stringify(identity));
  }

  /** Hex. Each part has a domain of its own, so that no tenant's name can be another's name with a salt. */
  namespace({ tenant, salt }: CacheOwner): string {
    return sha256("kvasir prefix 1", this.#model, sha256("tenant", tenant), sha256("salt", salt));
  }
}

function sha256(...parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
