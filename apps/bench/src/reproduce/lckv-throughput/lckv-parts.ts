import { totalmem } from "node:os";
import type { Part, PartContext, ReproduceSettings } from "../figure.ts";
import { generationText } from "../generation.ts";
import { weightBytesOf } from "../step-cost.ts";
import { expectedSeconds } from "./expected-seconds.ts";
import { lckvModels } from "./lckv-models.ts";
import { type LckvPlan, plannedKvBytes } from "./lckv-plan.ts";
import type { LckvResult } from "./lckv-results.ts";
import { measureBatches } from "./measure-batches.ts";
import { measureDecoding, measurePrompt, measureSweep, measureWhole } from "./measure-models.ts";
import { measureRates } from "./measure-rates.ts";
import { measureTransformers } from "./measure-transformers.ts";
import { partKeys } from "./part-keys.ts";

/** The parts that fit the machine's memory; `batches` needs none to speak of. */
export function lckvParts(plan: LckvPlan, settings: ReproduceSettings): Part<LckvResult>[] {
  const keys = partKeys(plan);
  const seconds = expectedSeconds(plan, settings.shape);
  const prompts = [...new Set(plan.generations.map(({ prompt }) => prompt))];
  const always: Part<LckvResult>[] = [
    {
      key: keys.batches,
      label: "largest batches",
      seconds: 5,
      rank: 0,
      measure: (context) => measureBatches(plan, context),
    },
    {
      key: keys.rates,
      label: "what the machine can do",
      seconds: 5,
      rank: 0,
      measure: (context) => measureRates(context),
    },
  ];
  if (!fitsMemory(plan, settings)) return always;
  const rankOf = (tokens: number) =>
    Math.min(...plan.generations.filter(({ prompt }) => prompt === tokens).map(({ rank }) => rank));
  return [
    ...always,
    ...prompts.map((tokens) => ({
      key: keys.prompt(tokens),
      label: `prompts of ${tokens} tokens`,
      seconds: seconds.prompt(tokens),
      rank: rankOf(tokens),
      measure: (context: PartContext) => measurePrompt(plan, tokens, context),
    })),
    ...plan.generations.map((generation) => ({
      key: keys.decode(generation),
      label: `decoding of ${generationText(generation)}`,
      seconds: seconds.decode(generation),
      rank: generation.rank,
      measure: (context: PartContext) => measureDecoding(plan, generation, context),
    })),
    {
      key: keys.sweep,
      label: "decoding over batches",
      seconds: seconds.sweep,
      rank: 0,
      measure: (context) => measureSweep(plan, context),
    },
    {
      key: keys.whole,
      label: "whole generations",
      seconds: seconds.whole,
      rank: 1,
      measure: (context) => measureWhole(plan, context),
    },
    {
      key: keys.transformers,
      label: "Hugging Face transformers",
      seconds: seconds.transformers,
      rank: 1,
      measure: (context) => measureTransformers(plan, context),
    },
  ];
}

/** Bytes that all models of the figure and their cache take together. */
export function neededBytes(plan: LckvPlan, { shape }: ReproduceSettings): number {
  return lckvModels(shape).length * weightBytesOf(shape) + plannedKvBytes(plan, shape);
}

/** Leaves a fifth of the machine's memory to others. */
export function fitsMemory(plan: LckvPlan, settings: ReproduceSettings): boolean {
  return neededBytes(plan, settings) < 0.8 * totalmem();
}
