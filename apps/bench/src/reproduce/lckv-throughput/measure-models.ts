import type { PartContext } from "../figure.ts";
import { type Generation, sampledContexts, slotsOf } from "../generation.ts";
import { kvLayersOf } from "../kv-bytes.ts";
import { KvMemory } from "../kv-memory.ts";
import { largestBatch } from "../largest-batch.ts";
import { type MeasuredModel, ModelSet } from "../model-set.ts";
import { StaticBatch } from "../static-batch.ts";
import { type Side, timeDecoding, timePrompt } from "../time-in-turns.ts";
import { lckvModels, standardKey, warmupKey } from "./lckv-models.ts";
import { type LckvPlan, plannedKvBytes, promptRepetitions } from "./lckv-plan.ts";
import type { DecodeResult, PromptResult, SweepResult, WholeResult } from "./lckv-results.ts";

/** What is loaded before anything is timed. */
type Loaded = Disposable & { readonly kv: KvMemory; readonly models: ModelSet };

/** Share of a part's progress that loading makes up. */
const loading = 0.3;

/** Times one prompt of every model in turns. */
export async function measurePrompt(
  plan: LckvPlan,
  tokens: number,
  context: PartContext,
): Promise<PromptResult> {
  const measured = lckvModels(context.settings.shape);
  using loaded = await load(plan, measured, context);
  const sides = measured.map(({ key }) => ({ key, model: loaded.models.get(key) }));
  const options = turns(loaded, promptRepetitions(plan, tokens), context);
  return { kind: "prompt", tokens, ms: await timePrompt(sides, tokens, options) };
}

/** Times decoding steps of every model at its own largest batch in turns. */
export async function measureDecoding(
  plan: LckvPlan,
  { prompt, generated }: Generation,
  context: PartContext,
): Promise<DecodeResult> {
  const generation = { prompt, generated };
  const measured = lckvModels(context.settings.shape);
  using loaded = await load(plan, measured, context);
  const sides = await largestSides(measured, generation, loaded, context);
  await fill(loaded, context);
  const steps = await timeDecoding(
    sides,
    slotsOf(generation),
    sampledContexts(generation, plan.samples),
    turns(loaded, plan.repetitions, context),
  );
  const batches = Object.fromEntries(sides.map(({ key, batch }) => [key, batch]));
  return { kind: "decode", generation, batches, steps };
}

/** Times decoding steps at batches of 1, 2, 4, ... up to each model's largest. */
export async function measureSweep(plan: LckvPlan, context: PartContext): Promise<SweepResult> {
  const { sweep, sweepSamples, sweepRepetitions } = plan;
  const measured = lckvModels(context.settings.shape);
  using loaded = await load(plan, measured, context);
  const largest = await largestSides(measured, sweep, loaded, context);
  await fill(loaded, context);
  const most = Math.max(0, ...largest.map(({ batch }) => batch));
  const batches = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, power) => 2 ** power);
  const rows: SweepResult["rows"][number][] = [];
  for (const batch of batches) {
    const sides = largest.filter((side) => side.batch >= batch).map((side) => ({ ...side, batch }));
    const steps = await timeDecoding(
      sides,
      slotsOf(sweep),
      sampledContexts(sweep, sweepSamples),
      turns(loaded, sweepRepetitions, {
        ...context,
        onProgress: (share) => context.onProgress((rows.length + share) / batches.length),
      }),
    );
    rows.push({ batch, steps });
  }
  return { kind: "sweep", generation: sweep, rows };
}

/** Runs whole generations of Llama and of LCKV with 2 warm-up layers, and samples their steps too. */
export async function measureWhole(plan: LckvPlan, context: PartContext): Promise<WholeResult> {
  const { prompt, generated, batch } = plan.whole;
  const generation = { prompt, generated };
  const { settings, signal } = context;
  const measured = lckvModels(settings.shape).filter(({ key }) => [standardKey, warmupKey(2)].includes(key));
  using loaded = await load(plan, measured, context);
  const { kv, models } = loaded;
  const tokens = slotsOf(generation);
  const rows: WholeResult["rows"][number][] = [];
  for (const [index, { key }] of measured.entries()) {
    const model = models.get(key);
    using all = await StaticBatch.open({ model, kv, sequences: batch, tokens, seed: settings.seed, signal });
    const prompts = await all.encode(prompt, batch, signal);
    let stepsMs = 0;
    for (let at = prompt; at < tokens - 1; at++) {
      signal.throwIfAborted();
      stepsMs += await all.decode(at);
      context.onProgress((index + (at - prompt) / generated) / measured.length);
    }
    all.dispose();
    const promptMs = prompts.reduce((sum, ms) => sum + ms, 0);
    const sides = [{ key, model, batch }];
    const contexts = sampledContexts(generation, plan.samples);
    const steps = await timeDecoding(sides, tokens, contexts, turns(loaded, plan.repetitions, context));
    rows.push({ model: key, promptMs, decodingMs: stepsMs, steps: steps[key]! });
  }
  return { kind: "whole", generation, batch, rows };
}

async function load(
  plan: LckvPlan,
  measured: readonly MeasuredModel[],
  { settings, signal, onProgress }: PartContext,
): Promise<Loaded> {
  const { shape, device, seed } = settings;
  const models = await ModelSet.open(measured, {
    shape,
    device,
    seed,
    signal,
    onProgress: (share) => onProgress(share * loading),
  });
  try {
    const bytes = plannedKvBytes(plan, shape);
    const kv = new KvMemory({ device, bytes, headDim: shape.headDim, dtype: "f16" });
    const dispose = () => {
      kv.dispose();
      models.dispose();
    };
    return { kv, models, [Symbol.dispose]: dispose };
  } catch (error) {
    models.dispose();
    throw error;
  }
}

/** Every model of which a sequence fits, at its largest batch. */
async function largestSides(
  measured: readonly MeasuredModel[],
  generation: Generation,
  { kv, models }: Loaded,
  { settings, signal }: PartContext,
): Promise<Side[]> {
  const { shape } = settings;
  const sides: Side[] = [];
  for (const { key, layerMap } of measured) {
    const kvLayers = kvLayersOf(shape, layerMap);
    const search = { kv, kvLayers, kvHeads: shape.kvHeads, tokens: slotsOf(generation), signal };
    const { batch } = await largestBatch(search);
    if (batch > 0) sides.push({ key, model: models.get(key), batch });
  }
  return sides;
}

async function fill({ kv, models }: Loaded, { settings, signal }: PartContext): Promise<void> {
  await kv.fill(models.get(standardKey), settings.seed, signal);
}

function turns({ kv }: Loaded, repetitions: number, { settings, signal, onProgress }: PartContext) {
  const { seed } = settings;
  return {
    kv,
    repetitions,
    seed,
    signal,
    onProgress: (share: number) => onProgress(loading + (1 - loading) * share),
  };
}
