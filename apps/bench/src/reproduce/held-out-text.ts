import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Engine } from "@kvasir/core";
import type { HeldOutText, ReproduceSettings } from "./figure.ts";
import { heldOutProse } from "./held-out-prose.ts";

/** Reads a text file that is not empty. Throws `Error` that names it. */
export async function readHeldOutText(file: string): Promise<HeldOutText> {
  const content = await readFile(file, "utf8");
  if (content.trim() === "") throw new Error(`text: expected a text, received ${file}, which is empty`);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { name: basename(file), sha256, content };
}

/** Ids of a text that the embedded models were not trained on, in order and with no special ones around it: the settings', or a story. */
export async function heldOutIds(
  { tokenizer }: Engine,
  { text }: ReproduceSettings,
  signal: AbortSignal,
): Promise<Int32Array> {
  if (!tokenizer) throw new RangeError("text: this model has no vocabulary to read a text with");
  signal.throwIfAborted();
  return await tokenizer.encodeAsync(text?.content ?? heldOutProse, {
    addSpecial: false,
    parseSpecial: false,
  });
}

/** For keys of parts and for reports: another text has another name. */
export const heldOutName = ({ text }: ReproduceSettings): string =>
  text === undefined ? "a story written for it" : `${text.name}, SHA-256 ${text.sha256.slice(0, 16)}`;
