import { randomUUID } from "node:crypto";
import type { CacheOwner } from "./cache-keys.ts";
import type { GenerateRequest } from "./generate-request.ts";
import { refuse } from "./refuse.ts";
import type { Order } from "./sequence.ts";
import { checkSessionName } from "./session/session-target.ts";

function text(field: string, value: unknown, fallback: string, low: number, high: number): string {
  if (value === undefined) return fallback;
  if (typeof value === "string" && value.length >= low && value.length <= high) return value;
  return refuse(field, `a string of ${low} to ${high} characters`, value);
}

/** Who the request is, and how it stands among others. Throws `invalid-request`. */
export function checkOrder(
  { id, retention, session }: Pick<GenerateRequest, "id" | "retention" | "session">,
  priority: number,
): Order {
  if (session !== undefined) checkSessionName({ session });
  return {
    id: text("id", id, randomUUID(), 1, 128),
    session,
    priority,
    retention: checkRetention(retention),
  };
}

/** Whose cached prefixes it uses and leaves. Throws `invalid-request`. */
export function checkOwner({ tenant, cacheSalt }: Pick<GenerateRequest, "tenant" | "cacheSalt">): CacheOwner {
  return { tenant: text("tenant", tenant, "", 0, 512), salt: text("cacheSalt", cacheSalt, "", 0, 512) };
}

function checkRetention(value: GenerateRequest["retention"]): Order["retention"] {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) refuse("retention", "an object", value);
  const { priority, ttlSeconds, ...others } = value;
  for (const field of Object.keys(others))
    refuse(`retention.${field}`, "priority and ttlSeconds alone", "an unknown field");
  if (!Number.isInteger(priority) || priority < 0 || priority > 99)
    refuse("retention.priority", "an integer in [0, 99]", priority);
  if (typeof ttlSeconds !== "number" || !(ttlSeconds >= 1 && ttlSeconds <= 86_400))
    refuse("retention.ttlSeconds", "a number in [1, 86,400]", ttlSeconds);
  return { priority, ttlSeconds };
}
