import type { PolicyChoice } from "@kvasir/core";
import { z } from "zod";
import { boolean, integer, maxCount, shortString } from "./field.ts";

const budgetError = `a share above 0 and up to 1, or a whole number of tokens up to ${maxCount}`;
const prefillError = '"end" or "chunk"';
const parameterError = "a number, true or false, a string of 1 to 64 characters, or an array of numbers";

const isParameter = (value: unknown): boolean =>
  typeof value === "boolean" ||
  Number.isFinite(value) ||
  (typeof value === "string" && value.length > 0 && value.length <= 64) ||
  (Array.isArray(value) && value.every(Number.isFinite));

/** What every policy's own options are here; the policy itself checks them further. */
const parameter = z
  .custom<unknown>((value) => value === null || isParameter(value), { error: parameterError })
  .meta({ description: `a parameter of the policy: ${parameterError}` })
  .optional();

/** What every policy has. */
export const kvCacheFields = {
  policy: shortString(200).nullish(),
  budget: z
    .number({ error: budgetError })
    .refine((n) => n > 0 && n <= maxCount && (n <= 1 || Number.isInteger(n)), { error: budgetError })
    .nullish(),
  sinks: integer(0, maxCount),
  recent: integer(0, maxCount),
  min_tokens: integer(0, maxCount),
  protect_layers: z
    .array(z.int({ error: "a layer's number" }), { error: "an array of layer numbers" })
    .max(1024, { error: "an array of at most 1024 layer numbers" })
    .nullish(),
  prefill: z.enum(["end", "chunk"], { error: prefillError }).nullish(),
  decode: boolean(),
  debug: boolean(),
};

/** `kv_cache`: the common options by name, and under any other name a parameter of the policy's. */
export const kvCache = z
  .unknown()
  .superRefine((value, context) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    const wrong = Object.keys(value).find((key) => !/^[a-z][a-z0-9_]{0,63}$/.test(key));
    if (wrong !== undefined) context.addIssue({ code: "unrecognized_keys", keys: [wrong] });
  })
  .pipe(
    z
      .object(kvCacheFields, { error: "an object with policy, budget and other options of the policy" })
      .catchall(parameter)
      .nullish(),
  )
  .optional();

/** The engine's choice, whose options are in camelCase; undefined where nothing but `debug` is there. */
export function toPolicyChoice({
  debug,
  ...body
}: Readonly<Record<string, unknown>>): PolicyChoice | undefined {
  const given = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);
  if (given.length === 0 && typeof debug === "boolean") return undefined;
  return Object.fromEntries(given.map(([name, value]) => [camelCase(name), value]));
}

/** `alpha_safeguard` to `alphaSafeguard`; every name of a parameter can be written so. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The other way round. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
