import { loadModel, type Model } from "@kvasir/runtime";
import { modelPath } from "@kvasir/tiny-models";
import { randomIds } from "../../random-ids.ts";
import type { Part, PartContext, ReproduceSettings } from "../figure.ts";
import { heldOutIds, heldOutName } from "../held-out-text.ts";
import { lckvMap } from "../layer-maps.ts";
import { randomModel } from "../random-model.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { withEngine } from "../with-engine.ts";
import {
  type ConvergenceResult,
  type MeasuredModel,
  plainModels,
  scaledModels,
  trainedModel,
} from "./convergence-result.ts";
import { PassTrace, passChanges } from "./pass-trace.ts";
import { sequentialDifference } from "./sequential-difference.ts";

/** How much is measured. */
export type ConvergenceSizes = {
  /** Tokens of the prompt, of models with random weights and of the trained one, which has positions for 1,024. */
  readonly curve: { readonly random: number; readonly trained: number };
  /** The same for prompts that are encoded token by token, too. */
  readonly equality: { readonly random: number; readonly trained: number };
  /** Of models whose weights are scaled to their inputs, which converge soon; of all others. */
  readonly passes: { readonly scaled: number; readonly others: number };
  /** Numbers of passes after which logits are compared. */
  readonly logitPasses: readonly number[];
};

export const convergenceSizes: ConvergenceSizes = {
  curve: { random: 2048, trained: 1024 },
  equality: { random: 128, trained: 512 },
  passes: { scaled: 12, others: 30 },
  logitPasses: [1, 2, 4, 6, 9, 12, 16, 20, 30],
};

/** Operations a second of two cores in long prompts. */
const operations = 1.5e11;

/** Parts in the order in which they tell most. */
export function convergenceParts(
  settings: ReproduceSettings,
  sizes: ConvergenceSizes = convergenceSizes,
): Part<ConvergenceResult>[] {
  const [plain0, plain2, plain4] = plainModels;
  const [scaled0, scaled2, scaled4] = scaledModels;
  return [
    curve(settings, sizes, trainedModel, 0),
    equality(settings, sizes, trainedModel, 0),
    ...[plain2, plain0, plain4].map((model) => curve(settings, sizes, model, 0)),
    equality(settings, sizes, plain2, 1),
    curve(settings, sizes, scaled2, 1),
    ...[scaled0, scaled4].map((model) => curve(settings, sizes, model, 2)),
  ];
}

/** What finds a part's result. */
export const curveKey = (
  settings: ReproduceSettings,
  { curve: tokens, passes }: ConvergenceSizes,
  model: MeasuredModel,
): string =>
  `curve of ${model.name}, ${promptName(settings, model, tokens)}, ${passesOf(model, passes)} passes`;

const passesOf = (
  { trained, deviation }: MeasuredModel,
  { scaled, others }: ConvergenceSizes["passes"],
): number => (trained || deviation !== undefined ? others : scaled);

export const equalityKey = (
  settings: ReproduceSettings,
  { equality: tokens, passes, logitPasses }: ConvergenceSizes,
  model: MeasuredModel,
): string =>
  `equality of ${model.name}, ${promptName(settings, model, tokens)}, ${passes.others} passes, logits after ${logitPasses}`;

function promptName(
  settings: ReproduceSettings,
  { trained }: MeasuredModel,
  tokens: { readonly random: number; readonly trained: number },
): string {
  return trained ? `${tokens.trained} tokens of ${heldOutName(settings)}` : `${tokens.random} random tokens`;
}

function curve(
  settings: ReproduceSettings,
  sizes: ConvergenceSizes,
  model: MeasuredModel,
  rank: number,
): Part<ConvergenceResult> {
  const tokens = sizes.curve[model.trained ? "trained" : "random"];
  const passes = passesOf(model, sizes.passes);
  return {
    key: curveKey(settings, sizes, model),
    label: `${passes} passes of ${model.name}`,
    seconds: model.trained ? 8 : Math.ceil(3 + passSeconds(settings.shape, model, tokens) * passes),
    rank,
    measure: (context) =>
      withModel(context, model, tokens, async (loaded, ids) => {
        using trace = await PassTrace.of(loaded, ids, passes);
        context.onProgress(0.9);
        return { kind: "curve", tokens, changes: await passChanges(trace, context.signal) };
      }),
  };
}

function equality(
  settings: ReproduceSettings,
  sizes: ConvergenceSizes,
  model: MeasuredModel,
  rank: number,
): Part<ConvergenceResult> {
  const { passes, logitPasses } = sizes;
  const tokens = sizes.equality[model.trained ? "trained" : "random"];
  const runs = passes.others + logitPasses.reduce((sum, some) => sum + some, 0);
  // Decoding reads all weights for each token: about as long as 16 tokens of a prompt take.
  const seconds = passSeconds(settings.shape, model, tokens) * (runs + 16);
  return {
    key: equalityKey(settings, sizes, model),
    label: `sequential encoding of ${model.name}`,
    seconds: model.trained ? 12 : Math.ceil(3 + seconds),
    rank,
    measure: (context) =>
      withModel(context, model, tokens, async (loaded, ids) => {
        const { signal, onProgress } = context;
        const options = { passes: passes.others, logitPasses, signal, onProgress };
        return { kind: "equality", tokens, ...(await sequentialDifference(loaded, ids, options)) };
      }),
  };
}

function passSeconds(shape: ReproduceShape, { warmup }: MeasuredModel, tokens: number): number {
  const { layers, hidden, intermediate, heads, headDim } = shape;
  const weights = 2 * hidden * heads * headDim + 3 * hidden * intermediate;
  const attention = tokens * heads * headDim;
  return ((layers - warmup) * tokens * 2 * (weights + attention)) / operations;
}

/** Loads the model and its prompt; the model is gone afterwards. */
async function withModel<R>(
  { settings, signal }: PartContext,
  model: MeasuredModel,
  tokens: number,
  use: (loaded: Model, ids: Int32Array) => Promise<R>,
): Promise<R> {
  const { shape, device, seed } = settings;
  if (model.trained) {
    const ids = await withEngine(
      { settings, signal },
      "tiny-lckv",
      { kvCache: { memory: "8MiB" } },
      (engine) => heldOutIds(engine, settings, signal),
    );
    using loaded = await loadModel(modelPath("tiny-lckv"), { device, signal });
    if (ids.length < tokens - 1) {
      throw new RangeError(`text: expected at least ${tokens - 1} tokens, received ${ids.length}`);
    }
    return await use(loaded, Int32Array.of(loaded.config.bosId ?? 0, ...ids.subarray(0, tokens - 1)));
  }
  using loaded = await randomModel({
    shape,
    layerMap: lckvMap(shape.layers, model.warmup),
    ...(model.deviation !== undefined && { deviation: model.deviation }),
    dtype: "bf16",
    device,
    seed,
    signal,
  });
  return await use(loaded, randomIds(tokens, shape.vocab, seed));
}
