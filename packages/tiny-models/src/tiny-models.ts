import { fileURLToPath } from "node:url";

/**
 * The checkpoints of this package, in the Hugging Face layout: `tiny`, a standard Llama of 8 layers,
 * and `tiny-lckv`, the same with layers 1 to 6 sharing the keys and values of layer 6.
 */
export const tinyModels = ["tiny", "tiny-lckv"] as const;

export type TinyModel = (typeof tinyModels)[number];

/** Absolute path of a model's folder. Throws `RangeError` for a name that is not in `tinyModels`. */
export function modelPath(model: TinyModel): string {
  if (!tinyModels.includes(model)) {
    throw new RangeError(`expected one of ${tinyModels.join(", ")}, received ${JSON.stringify(model)}`);
  }
  // src/ and dist/ are both one level below the package's root.
  return fileURLToPath(new URL(`../models/${model}/`, import.meta.url)).replace(/[\\/]$/, "");
}
