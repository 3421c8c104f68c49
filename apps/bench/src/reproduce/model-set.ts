import type { Device } from "@kvasir/kernels";
import type { Model } from "@kvasir/runtime";
import { randomModel } from "./random-model.ts";
import type { ReproduceShape } from "./reproduce-shape.ts";

/** A layer map that a figure measures. */
export type MeasuredModel = {
  /** In results. */
  readonly key: string;
  /** For people. */
  readonly name: string;
  readonly layerMap: string;
};

export type ModelSetOptions = {
  readonly shape: ReproduceShape;
  readonly device: Device;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** @param share of the models that are there, 0 to 1 */
  readonly onProgress?: (share: number) => void;
};

/** Models of one shape and several maps with the same bf16 weights, loaded together so that they can be timed in turns. */
export class ModelSet implements Disposable {
  readonly #models = new Map<string, Model>();

  static async open(measured: readonly MeasuredModel[], options: ModelSetOptions): Promise<ModelSet> {
    const set = new ModelSet();
    try {
      for (const [index, { key, layerMap }] of measured.entries()) {
        const onProgress = (share: number) => options.onProgress?.((index + share) / measured.length);
        const model = await randomModel({ ...options, layerMap, dtype: "bf16", onProgress });
        set.#models.set(key, model);
      }
      return set;
    } catch (error) {
      set.dispose();
      throw error;
    }
  }

  /** Throws `RangeError` for a key that it was not opened with. */
  get(key: string): Model {
    const model = this.#models.get(key);
    if (!model)
      throw new RangeError(`key: expected one of ${[...this.#models.keys()].join(", ")}, received ${key}`);
    return model;
  }

  dispose(): void {
    for (const model of this.#models.values()) model.dispose();
    this.#models.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
