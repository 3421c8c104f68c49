import type { Figure, ReproduceSettings, Section } from "../figure.ts";
import { generationText } from "../generation.ts";
import { publishedPasses } from "../random-model.ts";
import { shownBytes } from "../show-number.ts";
import type { MachineRates } from "../step-cost.ts";
import { batchesTable, kvTable } from "./batches-tables.ts";
import { lckvFindings } from "./lckv-findings.ts";
import { LckvMeasures } from "./lckv-measures.ts";
import { lckvMissing } from "./lckv-missing.ts";
import { lckvParts } from "./lckv-parts.ts";
import { type LckvPlan, lckvPlan, plannedKvBytes } from "./lckv-plan.ts";
import type { LckvResult } from "./lckv-results.ts";
import { rooflineBlocks } from "./roofline-blocks.ts";
import { ownCases } from "./roofline-ratios.ts";
import { throughputBlocks } from "./throughput-blocks.ts";
import { transformersTable } from "./transformers-table.ts";

/** The figure with lengths and repetitions of a plan. */
export function lckvThroughputOf(plan: LckvPlan): Figure<LckvResult> {
  return {
    name: "lckv-throughput",
    title: "Layer-condensed KV cache: largest batches and throughput",
    source:
      "Wu and Tu 2024, Layer-Condensed KV Cache for Efficient Inference of Large Language Models (arXiv 2405.10637), tables 1 and 10, figure 4",
    parts: (settings) => lckvParts(plan, settings),
    section: (results, settings) => sectionOf(plan, results, settings),
  };
}

/** Table 1 and figure 4 of Wu and Tu 2024. */
export const lckvThroughput: Figure<LckvResult> = lckvThroughputOf(lckvPlan);

function sectionOf(
  plan: LckvPlan,
  results: ReadonlyMap<string, LckvResult>,
  settings: ReproduceSettings,
): Section {
  const { shape } = settings;
  const measures = new LckvMeasures(plan, results);
  const measuredRates = measures.rates?.rates;
  const rates: MachineRates | undefined = measuredRates
    ? {
        operations: measuredRates.operations,
        weightBytes: measuredRates.readBytes,
        kvBytes: measuredRates.readBytes,
      }
    : undefined;
  const own = rates ? ownCases(measures, shape, rates) : [];
  const transformers = transformersTable(measures);
  return {
    run: runText(plan, settings),
    blocks: [
      kvTable(shape),
      ...(measures.batches ? [batchesTable(measures.batches, shape)] : []),
      ...throughputBlocks(plan, measures, shape, rates),
      ...(transformers ? [transformers] : []),
      ...rooflineBlocks(own),
    ],
    findings: lckvFindings(measures, shape, own),
    missing: lckvMissing(plan, measures, results, settings),
  };
}

function runText(plan: LckvPlan, { shape, device }: ReproduceSettings): string {
  const { samples, repetitions, sweep, whole } = plan;
  return [
    `Llama and LCKV of the shape ${shape.name} with random bf16 weights, f16 pages of 16 tokens, ${shownBytes(plannedKvBytes(plan, shape))} for keys and values, on ${device.description}.`,
    `A static batch without a scheduler, all models in turns over the same pages. A generation's time is one prompt's times the batch (prompts are encoded one after the other, in chunks of 512 tokens, LCKV's with ${publishedPasses} passes over each chunk: m = 7, b = 2) and its decoding steps, sampled at ${samples} lengths from the first to the last and joined by lines, each ${repetitions} times; a step reads all pages up to its length, whose numbers are those of another prompt.`,
    `Batches of 1, 2, 4, ... at ${generationText(sweep)}; every step of ${whole.batch} sequences of ${generationText(whole)} was run to check the sampling.`,
  ].join(" ");
}
