import type { ResponseFormat } from "@kvasir/core";
import { z } from "zod";
import { boolean, isObject, text } from "./field.ts";

const typeError = '"text", "json_object" or "json_schema"';
const nameError = "1 to 64 of a-z A-Z 0-9 _ -";
const name = z.string({ error: nameError }).regex(/^[a-zA-Z0-9_-]{1,64}$/, { error: nameError });

/** A JSON schema as an object; what is in it is the engine's to check. */
export const jsonSchema = z
  .custom<Readonly<Record<string, unknown>>>(isObject, { error: "a JSON schema: an object" })
  .meta({ type: "object" });

const described = z.strictObject(
  { name, description: text("a string").nullish(), schema: jsonSchema, strict: boolean() },
  { error: "an object with name and schema" },
);

/** `response_format`. */
export const responseFormat = z
  .discriminatedUnion(
    "type",
    [
      z.strictObject({ type: z.literal("text") }),
      z.strictObject({ type: z.literal("json_object") }),
      z.strictObject({ type: z.literal("json_schema"), json_schema: described }),
    ],
    { error: (issue) => (isObject(issue.input) ? typeError : "an object with type") },
  )
  .nullish();

/** Undefined: any text. */
export function toFormat(format: z.infer<typeof responseFormat>): ResponseFormat | undefined {
  if (format?.type === "json_object") return { type: "json-object" };
  if (format?.type !== "json_schema") return undefined;
  return { type: "json-schema", schema: format.json_schema.schema };
}
