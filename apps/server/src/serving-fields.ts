import type { GenerateRequest, PolicyChoice } from "@kvasir/core";
import { z } from "zod";
import { boolean, integer, label, requiredInteger, shortString, unsupported } from "./field.ts";
import { invalidValue } from "./request-error.ts";

/** Milliseconds of a day, the longest time that a request may take. */
const day = 86_400_000;

const sessionError = "1 to 64 of A-Z a-z 0-9 . _ -";
const session = z.string({ error: sessionError }).regex(/^[A-Za-z0-9._-]{1,64}$/, { error: sessionError });
const slot = z.union([z.int().min(0).max(1_000_000), session], {
  error: `an integer from 0 to 1000000, or ${sessionError}`,
});
const overflow = '"error" or "stream"';

/** Fields about how a request is served, not what it says; both endpoints have them. */
export const servingFields = {
  priority: integer(-100, 100),
  timeout_ms: integer(1, day),
  cache_salt: shortString(512).nullish(),
  cache_prompt: boolean(),
  retention: z
    .strictObject(
      {
        priority: requiredInteger(0, 99),
        ttl_seconds: requiredInteger(1, 86_400),
      },
      { error: "an object with priority and ttl_seconds" },
    )
    .nullish(),
  session: session.nullish(),
  id_slot: slot.nullish(),
  context_overflow: z.enum(["error", "stream"], { error: overflow }).nullish(),
  prompt_cache_key: unsupported("expected a string of at most 512 characters", label),
};

type ServingFields = z.infer<z.ZodObject<typeof servingFields>>;

/** The engine's fields; undefined where the request says nothing. */
export function toServing(body: ServingFields): GenerateRequest {
  if (body.session && body.id_slot !== null && body.id_slot !== undefined) {
    throw invalidValue("id_slot", "another name of session; send one of the two");
  }
  const { retention } = body;
  return {
    priority: body.priority ?? undefined,
    deadline: body.timeout_ms ?? undefined,
    cacheSalt: body.cache_salt ?? undefined,
    cachePrompt: body.cache_prompt ?? undefined,
    retention: retention ? { priority: retention.priority, ttlSeconds: retention.ttl_seconds } : undefined,
    session: body.session ?? body.id_slot?.toString(),
  };
}

/** A session is one conversation. Throws a 400 `ApiError` where several choices would go on from it. */
export function checkSession(body: ServingFields, choices: number): void {
  if (choices === 1) return;
  for (const name of ["session", "id_slot"] as const) {
    if ((body[name] ?? undefined) !== undefined) throw invalidValue(name, "goes only with one choice");
  }
}

/** The policy with which a text may outgrow the context, where the request asks for that. */
export function withOverflow(
  policy: PolicyChoice | undefined,
  overflow: ServingFields["context_overflow"],
): PolicyChoice | undefined {
  if (overflow !== "stream") return policy;
  if (policy?.policy === undefined) return { ...policy, policy: "streaming-llm" };
  throw invalidValue("context_overflow", '"stream" chooses the policy; it goes only without kv_cache.policy');
}
