import { spreadOf } from "../../spread.ts";
import type { Block, LineChartBlock, TableBlock } from "../figure.ts";
import { generationText } from "../generation.ts";
import { publishedPasses } from "../random-model.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { shown, shownSpread, times } from "../show-number.ts";
import { type MachineRates, predictedThroughput, sizedModel } from "../step-cost.ts";
import { publishedText } from "./batches-tables.ts";
import type { LckvMeasures } from "./lckv-measures.ts";
import { lckvModels, standardKey, warmupKey } from "./lckv-models.ts";
import type { LckvPlan } from "./lckv-plan.ts";

/** Tables of throughput and prompts, and throughput over batches; what was not measured is left out. */
export function throughputBlocks(
  plan: LckvPlan,
  measures: LckvMeasures,
  shape: ReproduceShape,
  rates: MachineRates | undefined,
): Block[] {
  return [
    throughputTable(measures, shape),
    promptTable(plan, measures, shape),
    batchChart(measures, shape, rates),
  ].filter((block) => block !== undefined);
}

function throughputTable(measures: LckvMeasures, shape: ReproduceShape): TableBlock | undefined {
  const { measured } = measures;
  if (measured.length === 0) return undefined;
  const models = lckvModels(shape);
  return {
    kind: "table",
    caption:
      "Throughput at each model's own largest batch, tokens a second with the prompts' time: median (lowest-highest); ratios within a repetition",
    columns: [
      "prompt+generation",
      "model",
      "batch",
      "tok/s",
      "of Llama's",
      "ms a step",
      "ms a token",
      "prompts, of the time",
      "paper, of Llama's",
    ],
    rows: measured.flatMap(({ generation, rows }) =>
      rows.map((row) => {
        const model = models.find(({ key }) => key === row.model)!;
        return [
          generationText(generation),
          model.name,
          String(row.batch),
          shownSpread(row.rate, shown),
          row.ratio && row.model !== standardKey ? shownSpread(row.ratio, times) : undefined,
          shown(row.stepMs),
          shown(row.stepMs / row.batch),
          `${shown(row.promptShare * 100)} %`,
          publishedText(generation, model, (published, warmup) =>
            times(published.lckv[warmup].rate / published.standard.rate),
          ),
        ];
      }),
    ),
  };
}

function promptTable(plan: LckvPlan, measures: LckvMeasures, shape: ReproduceShape): TableBlock | undefined {
  const models = lckvModels(shape);
  const lengths = [...new Set(plan.generations.map(({ prompt }) => prompt))].sort((a, b) => a - b);
  const rows = lengths.flatMap((tokens) => {
    const prompt = measures.prompt(tokens);
    if (!prompt) return [];
    const median = (key: string) => spreadOf(prompt.ms[key]!).median;
    return models.map(({ key, name }) => [
      String(tokens),
      name,
      shown(median(key)),
      shown((tokens * 1000) / median(key)),
      key === standardKey ? undefined : times(median(key) / median(standardKey)),
    ]);
  });
  if (rows.length === 0) return undefined;
  return {
    kind: "table",
    caption: "One prompt, in chunks of up to 512 tokens",
    columns: ["tokens", "model", "ms", "tok/s", "ms, of Llama's"],
    rows,
  };
}

function batchChart(
  measures: LckvMeasures,
  shape: ReproduceShape,
  rates: MachineRates | undefined,
): LineChartBlock | undefined {
  const rows = measures.throughputOverBatches();
  if (!rows || rows.length === 0) return undefined;
  const { generation } = measures.sweep!;
  const models = lckvModels(shape);
  const batchesOf = (key: string) =>
    rows.flatMap((row) =>
      row.filter(({ model }) => model === key).map(({ batch, rate }) => ({ batch, rate })),
    );
  const measured = models.map(({ key, name }) => ({
    name,
    kind: "measured" as const,
    points: batchesOf(key).map(({ batch, rate }) => ({ x: batch, y: rate.median })),
  }));
  const predicted = rates
    ? models
        .filter(({ key }) => key === standardKey || key === warmupKey(2))
        .map(({ key, name, layerMap }) => ({
          name: `${name}, roofline`,
          kind: "computed" as const,
          points: batchesOf(key).map(({ batch }) => ({
            x: batch,
            y: predictedThroughput(sizedModel(shape, layerMap, publishedPasses), batch, generation, rates),
          })),
        }))
    : [];
  return {
    kind: "lines",
    caption: `Throughput over batches at ${generationText(generation)}, as in figure 4: each line ends at a power of 2 that the memory holds`,
    x: { label: "sequences together", scale: "log" },
    y: { label: "generated tokens a second", scale: "linear" },
    series: [...measured, ...predicted].filter(({ points }) => points.length > 0),
  };
}
