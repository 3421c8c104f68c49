import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { modelPath } from "@kvasir/tiny-models";

/** Small checkpoints with random weights and 320 tokens of vocabulary; no tokenizer. */
export const checkpoint = (name: string): string =>
  fileURLToPath(new URL(`../../runtime/tests/checkpoints/${name}`, import.meta.url));

export const tiny: string = modelPath("tiny");
export const tinyLckv: string = modelPath("tiny-lckv");

/** The recorded prompt of a checkpoint folder. */
export function recordedPrompt(folder: string): number[] {
  return (JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as { prompt: number[] }).prompt;
}
