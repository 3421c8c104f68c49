import type { EmbedRequest } from "@kvasir/core";
import { z } from "zod";
import { integer, label, maxCount, shortString, unsupported } from "./field.ts";
import { parseBody } from "./request-error.ts";
import { checkText, type RequestLimits } from "./request-limits.ts";
import { withoutUndefined } from "./sampling-fields.ts";
import { servingFields } from "./serving-fields.ts";
import { inputList, textInput, textsOf } from "./text-input.ts";

const maxInputs = 2048;

/** The body of `POST /v1/embeddings`. */
export const embeddingSchema = z.strictObject({
  model: shortString(512).nullish(),
  input: textInput(maxInputs),
  encoding_format: z.enum(["float", "base64"], { error: '"float" or "base64"' }).nullish(),
  dimensions: integer(1, maxCount),
  pooling: z.enum(["mean", "last"], { error: '"mean" or "last"' }).nullish(),
  priority: servingFields.priority,
  timeout_ms: servingFields.timeout_ms,
  user: unsupported("expected a string of at most 512 characters", label),
});

/** A request for vectors, checked. */
export type EmbeddingRequest = {
  /** One for each input, for the engine; still without signal and tenant. */
  readonly inputs: readonly EmbedRequest[];
  readonly model: string | undefined;
  readonly base64: boolean;
  /** Undefined: whatever the model has. */
  readonly dimensions: number | undefined;
};

/** Checks a body of `POST /v1/embeddings`. Throws a 400 `ApiError` that names the field. */
export function parseEmbeddingRequest(
  body: Readonly<Record<string, unknown>>,
  limits: RequestLimits,
): EmbeddingRequest {
  const parsed = parseBody(embeddingSchema, body);
  const inputs = inputList(parsed.input);
  for (const text of textsOf(inputs)) checkText([text], "input", limits);
  const shared = withoutUndefined({
    pooling: parsed.pooling ?? undefined,
    priority: parsed.priority ?? undefined,
    deadline: parsed.timeout_ms ?? undefined,
  });
  return {
    inputs: inputs.map((prompt) => ({ ...shared, prompt })),
    model: parsed.model ?? undefined,
    base64: parsed.encoding_format === "base64",
    dimensions: parsed.dimensions ?? undefined,
  };
}
