import { timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { ApiError } from "./api-error.ts";
import { type ApiKeys, checkKey, digest, everyone } from "./api-keys.ts";
import type { AppEnv } from "./app-env.ts";

/** Asks every request for `Authorization: Bearer <key>` where there are keys, and says whose tenant it is. */
export function authorization(keys: ApiKeys): MiddlewareHandler<AppEnv> {
  return async function authorize(c, next) {
    c.set("tenant", everyone.salt);
    if (keys.count > 0) {
      const tenant = keys.find(givenKey(c));
      if (tenant === undefined) throw invalidKey();
      c.set("tenant", tenant.salt);
      c.set("keyName", tenant.name);
    }
    await next();
  };
}

/** The engine's request, for the tenant of the key that came with it. */
export function forTenant<T extends object>(
  c: Context<AppEnv>,
  request: T,
): T & { readonly tenant?: string } {
  const tenant = c.get("tenant");
  return tenant === everyone.salt ? request : { ...request, tenant };
}

export type AdminAccess = {
  /** What opens the routes of administration. */
  readonly adminKey?: string;
  /** They are open without a key, for a server that only this machine reaches. */
  readonly openAdmin?: boolean;
};

/**
 * Asks for the administrator's key. Without one the routes are closed, or open by choice, but never to a web page.
 * Throws `RangeError` for a key that no header carries unchanged.
 */
export function adminAuthorization(keys: ApiKeys, access: AdminAccess): MiddlewareHandler<AppEnv> {
  const { adminKey, openAdmin = false } = access;
  if (adminKey !== undefined) checkKey(adminKey, "the admin key");
  const expected = adminKey === undefined ? undefined : digest(adminKey);
  return async function authorizeAdmin(c, next) {
    if (expected !== undefined) {
      const given = givenKey(c);
      if (!timingSafeEqual(digest(given), expected)) {
        if (keys.find(given) === undefined) throw invalidKey();
        throw new ApiError(403, "admin_key_needed", "this route needs the admin key (--admin-key)");
      }
    } else if (keys.count > 0 && keys.find(givenKey(c)) === undefined) {
      throw invalidKey();
    } else if (!openAdmin) {
      const how = "start the server with --admin-key, or on a loopback address without API keys with --admin";
      throw new ApiError(403, "admin_disabled", `this route is off: ${how}`);
    } else if (c.req.header("Origin") !== undefined) {
      // A browser sends a POST without a body to any address unasked.
      throw new ApiError(403, "admin_disabled", "this route is not open to web pages; set --admin-key");
    }
    await next();
  };
}

function givenKey(c: Context): string {
  const given = /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (given !== undefined) return given;
  throw unauthorized("missing_api_key", "an API key is needed: send it as `Authorization: Bearer <key>`");
}

function invalidKey(): ApiError {
  return unauthorized("invalid_api_key", "the API key is none of those that this server was started with");
}

function unauthorized(code: string, message: string): ApiError {
  return new ApiError(401, code, message, { headers: { "WWW-Authenticate": "Bearer" } });
}
