import { z } from "zod";

// Every field is optional, with null as good as absent, as OpenAI's are. An `error` here is what follows
// "expected "; request-error.ts adds the field's name before it and the value received after it.

/** Larger than any context and any vocabulary, small enough for 32-bit integers. */
export const maxCount = 10_000_000;

export const number = (low: number, high: number) => {
  const error = `a number from ${low} to ${high}`;
  return z.number({ error }).min(low, { error }).max(high, { error }).nullish();
};

/** `low` itself is outside. */
export const numberAbove = (low: number, high: number) => {
  const error = `a number above ${low} and up to ${high}`;
  return z.number({ error }).gt(low, { error }).max(high, { error }).nullish();
};

export const integer = (low: number, high: number) => requiredInteger(low, high).nullish();

/** For objects within a field, where leaving it out means nothing. */
export const requiredInteger = (low: number, high: number) => {
  const error = `an integer from ${low} to ${high}`;
  return z.number({ error }).int({ error }).min(low, { error }).max(high, { error });
};

export const boolean = () => z.boolean({ error: "true or false" }).nullish();

export const shortString = (length: number) => {
  const error = `a string of 1 to ${length} characters`;
  return z.string({ error }).min(1, { error }).max(length, { error });
};

/** Text for the tokenizer: it has no bytes for half a surrogate pair. */
export const text = (error: string) =>
  z.string({ error }).refine((value) => !/\p{Surrogate}/u.test(value), {
    error: "text without unpaired surrogates",
  });

export type TokenIds = readonly number[];

/** A plain object: what JSON has between braces. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One pass without a schema object per element: a body has room for millions. */
export function isTokenIds(value: unknown): value is TokenIds {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((id) => Number.isInteger(id) && id >= 0 && id <= 0x7fffffff)
  );
}

/** What a JSON schema says of them. */
export const idsMeta = { type: "array", minItems: 1, items: { type: "integer", minimum: 0 } } as const;

/**
 * A field of OpenAI's that Kvasir does not do. The values in `harmless` ask for what happens anyway and are let
 * through, as clients send them unasked; every other is refused with `reason`.
 */
export const unsupported = (reason: string, harmless: (value: unknown) => boolean = () => false) =>
  z
    .unknown()
    .refine((value) => value === undefined || value === null || harmless(value), {
      error: reason,
      params: { unsupported: true },
    })
    .meta({ description: reason })
    .optional();

export const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

export const emptyArray = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** A label that changes nothing in the answer: at most 512 characters. */
export const label = (value: unknown): boolean => typeof value === "string" && value.length <= 512;
