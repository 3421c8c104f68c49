import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ApiError } from "./api-error.ts";

/**
 * Asks every request for `Authorization: Bearer <apiKey>`. The comparison takes the same time for any key.
 * Throws `RangeError` for a key that no header carries unchanged.
 */
export function authorization(apiKey: string): MiddlewareHandler {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new RangeError("the API key: expected one or more printable ASCII characters, no spaces");
  }
  const expected = digest(apiKey);
  return async (c, next) => {
    const given = /^Bearer +(.+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), expected)) {
      const message =
        given === undefined
          ? "an API key is needed: send it as `Authorization: Bearer <key>`"
          : "the API key is not the one that this server was started with";
      const code = given === undefined ? "missing_api_key" : "invalid_api_key";
      throw new ApiError(401, code, message, { headers: { "WWW-Authenticate": "Bearer" } });
    }
    await next();
  };
}

/** Equal in length for keys of any length, as the comparison demands. */
function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
