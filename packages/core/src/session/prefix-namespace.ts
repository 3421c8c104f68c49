import { createHash } from "node:crypto";

/** What keeps apart cached prefixes whose tokens agree; both are SHA-256 in hex, so that neither name nor salt shows. */
export type PrefixNamespace = {
  /** Of the eviction policy with its options, as far as pages depend on it. */
  readonly policy: string;
  /** Of tenant and salt. */
  readonly owner: string;
};

/** The same for the same arguments on every machine and in every version: saved files carry it. */
export function prefixNamespace(options: {
  readonly tenant: string;
  readonly cacheSalt: string;
  readonly policy: string;
}): PrefixNamespace {
  const { tenant, cacheSalt, policy } = options;
  return { policy: hash(["kvasir policy", policy]), owner: hash(["kvasir owner", tenant, cacheSalt]) };
}

/** Its form as a namespace of a prefix tree. */
export function namespaceText({ policy, owner }: PrefixNamespace): string {
  return policy + owner;
}

/** The inverse of {@link namespaceText}. @throws TypeError for any other text */
export function parseNamespace(text: string): PrefixNamespace {
  if (!/^[0-9a-f]{128}$/.test(text)) throw new TypeError("namespace: expected two SHA-256 in hex");
  return { policy: text.slice(0, 64), owner: text.slice(64) };
}

/** JSON keeps the borders between the parts, and escapes what UTF-8 cannot say. */
function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
