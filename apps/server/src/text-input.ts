import { z } from "zod";
import { idsMeta, isTokenIds, type TokenIds, text } from "./field.ts";

/** A text, or the ids of its tokens. */
export type TextInput = string | TokenIds;

const isText = (value: unknown): boolean => typeof value === "string" && !/\p{Surrogate}/u.test(value);

/** A text or its token ids, or an array of 1 to `most` of these. */
export function textInput(most: number) {
  const error = `a string, an array of token ids, or an array of 1 to ${most} of these`;
  // In one pass: a body has room for millions of ids.
  const isList = (value: unknown): boolean =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= most &&
    (value.every(isText) || value.every(isTokenIds));
  return z.union(
    [
      text(error),
      z.custom<TokenIds>(isTokenIds, { error }).meta(idsMeta),
      z.custom<readonly string[] | readonly TokenIds[]>(isList, { error }).meta({
        type: "array",
        minItems: 1,
        maxItems: most,
        items: { anyOf: [{ type: "string" }, idsMeta] },
      }),
    ],
    { error },
  );
}

/** Each of them. */
export function inputList(input: z.infer<ReturnType<typeof textInput>>): readonly TextInput[] {
  if (typeof input === "string") return [input];
  return typeof input[0] === "number" ? [input as TokenIds] : (input as readonly TextInput[]);
}

/** Those that are text. */
export function textsOf(inputs: readonly TextInput[]): readonly string[] {
  return inputs.filter((input) => typeof input === "string");
}
