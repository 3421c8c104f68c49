import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Engine } from "@kvasir/core";
import type { ReproduceSettings } from "./figure.ts";
import { heldOutProse } from "./held-out-prose.ts";

/** Ids of a text that the embedded models were not trained on, in order and with no special ones around it: the settings' file, or a story. */
export async function heldOutIds(
  { tokenizer }: Engine,
  { text }: ReproduceSettings,
  signal: AbortSignal,
): Promise<Int32Array> {
  if (!tokenizer) throw new RangeError("text: this model has no vocabulary to read a text with");
  const read = text === undefined ? heldOutProse : await readFile(text, { encoding: "utf8", signal });
  return await tokenizer.encodeAsync(read, { addSpecial: false, parseSpecial: false });
}

/** For keys of parts and for reports. */
export const heldOutName = ({ text }: ReproduceSettings): string =>
  text === undefined ? "a story written for it" : basename(text);
