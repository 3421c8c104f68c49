import { basename } from "node:path";
import type { Engine } from "@kvasir/core";
import { fileText, ownText } from "../quality/prompt-text.ts";
import type { ReproduceSettings } from "./figure.ts";

/** Where the text of a part comes from: one of `groups` parts that share none of it. */
export type TextGroup = {
  readonly group: number;
  readonly groups: number;
};

/** `count` stretches of `length` token ids for one group. The same ones for the same seed. */
export async function stretches(
  engine: Engine,
  { text, seed }: ReproduceSettings,
  { group, groups, count, length }: TextGroup & { readonly count: number; readonly length: number },
  signal: AbortSignal,
): Promise<Int32Array[]> {
  if (text === undefined) return ownText(engine, { seed: seed * 101 + group, signal }).take(count, length);
  const file = await fileText(engine, text, { seed, signal });
  return (await file.take(groups * count, length)).slice(group * count, (group + 1) * count);
}

/** For keys of parts and for reports. */
export const textName = ({ text }: ReproduceSettings): string =>
  text === undefined ? "drawn from the model itself at temperature 1" : basename(text);
