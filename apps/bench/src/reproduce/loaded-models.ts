import type { PartContext } from "./figure.ts";
import { type Generation, slotsOf } from "./generation.ts";
import { kvLayersOf } from "./kv-bytes.ts";
import { KvMemory } from "./kv-memory.ts";
import { largestBatch } from "./largest-batch.ts";
import { type MeasuredModel, ModelSet } from "./model-set.ts";
import type { Side, TurnOptions } from "./time-in-turns.ts";

/** Share of a part's progress that loading makes up. */
const loading = 0.3;

/** Models and one memory for the keys and values of all, to be timed in turns by a part. */
export class LoadedModels implements Disposable {
  readonly models: ModelSet;
  readonly kv: KvMemory;
  readonly #measured: readonly MeasuredModel[];
  readonly #context: PartContext;

  private constructor(
    measured: readonly MeasuredModel[],
    models: ModelSet,
    kv: KvMemory,
    context: PartContext,
  ) {
    this.#measured = measured;
    this.models = models;
    this.kv = kv;
    this.#context = context;
  }

  /** @param kvBytes what f16 pages may take; the first of `measured` is the one that fills them */
  static async open(
    measured: readonly MeasuredModel[],
    kvBytes: number,
    context: PartContext,
  ): Promise<LoadedModels> {
    const { settings, signal, onProgress } = context;
    const { shape, device, seed } = settings;
    const models = await ModelSet.open(measured, {
      shape,
      device,
      seed,
      signal,
      onProgress: (share) => onProgress(share * loading),
    });
    try {
      const kv = new KvMemory({ device, bytes: kvBytes, headDim: shape.headDim, dtype: "f16" });
      return new LoadedModels(measured, models, kv, context);
    } catch (error) {
      models.dispose();
      throw error;
    }
  }

  /** Of every model of which a sequence fits, at its largest batch. */
  async largestSides(generation: Generation): Promise<Side[]> {
    const { settings, signal } = this.#context;
    const { shape } = settings;
    const sides: Side[] = [];
    for (const { key, layerMap } of this.#measured) {
      const kvLayers = kvLayersOf(shape, layerMap);
      const tokens = slotsOf(generation);
      const { batch } = await largestBatch({
        kv: this.kv,
        kvLayers,
        kvHeads: shape.kvHeads,
        tokens,
        signal,
      });
      if (batch > 0) sides.push({ key, model: this.models.get(key), batch });
    }
    return sides;
  }

  /** Gives all pages keys and values: to be called before steps are sampled. */
  async fill(): Promise<void> {
    const { settings, signal } = this.#context;
    await this.kv.fill(this.models.get(this.#measured[0]!.key), settings.seed, signal);
  }

  /** Options of turns whose progress goes from share `first` of what follows loading on, over `length` of it. */
  turns(repetitions: number, first = 0, length = 1): TurnOptions {
    const { settings, signal } = this.#context;
    const onProgress = (share: number) => this.progress(first + length * share);
    return { kv: this.kv, repetitions, seed: settings.seed, signal, onProgress };
  }

  /** @param share of what follows loading */
  progress(share: number): void {
    this.#context.onProgress(loading + (1 - loading) * share);
  }

  dispose(): void {
    this.kv.dispose();
    this.models.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
