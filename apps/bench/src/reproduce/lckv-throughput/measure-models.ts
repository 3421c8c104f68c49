import type { PartContext } from "../figure.ts";
import { type Generation, sampledContexts, slotsOf } from "../generation.ts";
import { LoadedModels } from "../loaded-models.ts";
import { StaticBatch } from "../static-batch.ts";
import { timeDecoding, timePrompt } from "../time-in-turns.ts";
import { lckvModels, standardKey, warmupKey } from "./lckv-models.ts";
import { type LckvPlan, plannedKvBytes, promptRepetitions } from "./lckv-plan.ts";
import type { DecodeResult, PromptResult, SweepResult, WholeResult } from "./lckv-results.ts";

/** Times one prompt of every model in turns. */
export async function measurePrompt(
  plan: LckvPlan,
  tokens: number,
  context: PartContext,
): Promise<PromptResult> {
  const measured = lckvModels(context.settings.shape);
  using loaded = await LoadedModels.open(measured, plannedKvBytes(plan, context.settings.shape), context);
  const sides = measured.map(({ key }) => ({ key, model: loaded.models.get(key) }));
  const options = loaded.turns(promptRepetitions(plan, tokens));
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
  using loaded = await LoadedModels.open(measured, plannedKvBytes(plan, context.settings.shape), context);
  const sides = await loaded.largestSides(generation);
  await loaded.fill();
  const steps = await timeDecoding(
    sides,
    slotsOf(generation),
    sampledContexts(generation, plan.samples),
    loaded.turns(plan.repetitions),
  );
  const batches = Object.fromEntries(sides.map(({ key, batch }) => [key, batch]));
  return { kind: "decode", generation, batches, steps };
}

/** Times decoding steps at batches of 1, 2, 4, ... up to each model's largest. */
export async function measureSweep(plan: LckvPlan, context: PartContext): Promise<SweepResult> {
  const { sweep, sweepSamples, sweepRepetitions } = plan;
  const measured = lckvModels(context.settings.shape);
  using loaded = await LoadedModels.open(measured, plannedKvBytes(plan, context.settings.shape), context);
  const largest = await loaded.largestSides(sweep);
  await loaded.fill();
  const most = Math.max(0, ...largest.map(({ batch }) => batch));
  const batches = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, power) => 2 ** power);
  const rows: SweepResult["rows"][number][] = [];
  for (const batch of batches) {
    const sides = largest.filter((side) => side.batch >= batch).map((side) => ({ ...side, batch }));
    const steps = await timeDecoding(
      sides,
      slotsOf(sweep),
      sampledContexts(sweep, sweepSamples),
      loaded.turns(sweepRepetitions, rows.length / batches.length, 1 / batches.length),
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
  using loaded = await LoadedModels.open(measured, plannedKvBytes(plan, context.settings.shape), context);
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
      loaded.progress((index + (0.8 * (at - prompt)) / generated) / measured.length);
    }
    all.dispose();
    const promptMs = prompts.reduce((sum, ms) => sum + ms, 0);
    const sides = [{ key, model, batch }];
    const contexts = sampledContexts(generation, plan.samples);
    const options = loaded.turns(plan.repetitions, (index + 0.8) / measured.length, 0.2 / measured.length);
    const steps = await timeDecoding(sides, tokens, contexts, options);
    rows.push({ model: key, promptMs, decodingMs: stepsMs, steps: steps[key]! });
  }
  return { kind: "whole", generation, batch, rows };
}
