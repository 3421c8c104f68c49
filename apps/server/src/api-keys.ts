import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** One of the keys that open the API. */
export type ApiKey = {
  /** Stands for the key in logs and for administrators: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly name: string;
  /** Printable ASCII without spaces. */
  readonly key: string;
};

/** Whom a key belongs to. */
export type Tenant = {
  readonly name: string;
  /** Whose cached prefixes its requests may use; for the engine. */
  readonly salt: string;
};

export type TenantOptions = {
  /** Enters every salt, so that a file of the cache does not tell whether a guessed key is right. */
  readonly cacheSecret?: string;
  /** All keys share their cached prefixes: one tenant. */
  readonly sharePrefixes?: boolean;
};

/** The tenant of a server without keys, and of all keys that share prefixes. */
export const everyone: Tenant = { name: "", salt: "" };

/** The API's keys. Throws `RangeError` for a key that no header carries unchanged, and for names given twice. */
export class ApiKeys {
  readonly #entries: readonly { readonly digest: Buffer; readonly tenant: Tenant }[];

  constructor(keys: readonly (ApiKey | string)[], options: TenantOptions = {}) {
    const named = keys.map((key, at) => (typeof key === "string" ? { name: `key${at + 1}`, key } : key));
    this.#entries = named.map(({ name, key }) => {
      checkKey(key, "the API key");
      if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
        throw new RangeError("the API key's name: expected 1 to 64 of A-Z a-z 0-9 . _ -");
      }
      const salt = options.sharePrefixes ? everyone.salt : tenantSalt(key, options.cacheSecret);
      return { digest: digest(key), tenant: { name, salt } };
    });
    const twice = named.find(({ name }, at) => named.findIndex((other) => other.name === name) < at);
    if (twice) throw new RangeError(`the API key's name ${twice.name} is given twice`);
  }

  get count(): number {
    return this.#entries.length;
  }

  get tenants(): readonly Tenant[] {
    return this.#entries.map(({ tenant }) => tenant);
  }

  /** The key's tenant. Looks at every key, in the same time for each, whichever is right. */
  find(key: string): Tenant | undefined {
    const given = digest(key);
    let found: Tenant | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(given, entry.digest)) found = entry.tenant;
    }
    return found;
  }
}

/** Throws `RangeError` for a key that no header carries unchanged. */
export function checkKey(key: string, what: string): void {
  if (/^[\x21-\x7e]+$/.test(key)) return;
  throw new RangeError(`${what}: expected one or more printable ASCII characters, no spaces`);
}

/** Equal in length for keys of any length, as a comparison in constant time demands. */
export function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

function tenantSalt(key: string, secret: string | undefined): string {
  const salt = createHmac("sha256", key).update("kvasir tenant salt v1").digest("hex");
  return secret === undefined ? salt : createHmac("sha256", secret).update(salt).digest("hex");
}
