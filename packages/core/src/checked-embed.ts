import { type CheckedRequest, checkRequest } from "./checked-request.ts";
import type { EmbedRequest } from "./embed-request.ts";
import { refuse } from "./refuse.ts";

/** Checks everything but the prompt. Throws `invalid-request` naming the field and its range. */
export function checkEmbed(request: EmbedRequest, vocabSize: number): CheckedRequest {
  if (typeof request !== "object" || request === null) refuse("request", "an object", request);
  const { prompt, pooling, normalize, id, priority, deadline, tenant, signal, ...others } = request;
  for (const field of Object.keys(others)) refuse(field, "no such field", "an unknown field");
  if (pooling !== undefined && pooling !== "mean" && pooling !== "last")
    refuse("pooling", '"mean" or "last"', pooling);
  if (normalize !== undefined && typeof normalize !== "boolean") refuse("normalize", "a boolean", normalize);
  const given = Object.entries({ prompt, id, priority, deadline, tenant, signal });
  const shared = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  return checkRequest(shared, vocabSize);
}
