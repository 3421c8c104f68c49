import { spreadOf } from "../../spread.ts";
import { generationText, sampledMs } from "../generation.ts";
import { kvLayersOf } from "../kv-bytes.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { listed, shown, shownBytes, times } from "../show-number.ts";
import { batchChecks, standardCheck } from "./batches-tables.ts";
import type { LckvMeasures, ThroughputMeasure } from "./lckv-measures.ts";
import { lckvModels, standardKey, warmupKey } from "./lckv-models.ts";
import { publishedEqualBatch, publishedRows } from "./published.ts";
import { rooflineFindings } from "./roofline-findings.ts";
import type { RooflineCase } from "./roofline-ratios.ts";

/** Throughput that grows by less than this when the batch doubles has stopped rising. */
const stillRising = 1.1;
const two = warmupKey(2);

/** What the results say next to the paper's. */
export function lckvFindings(
  measures: LckvMeasures,
  shape: ReproduceShape,
  own: readonly RooflineCase[],
): string[] {
  return [
    ...batchFindings(measures, shape),
    ...throughputFindings(measures),
    ...boundFindings(measures),
    ...equalBatchFindings(measures),
    ...rooflineFindings(own),
    ...wholeFindings(measures, shape),
  ];
}

const publishedRange = (ratio: (row: (typeof publishedRows)[number]) => number) => {
  const ratios = publishedRows.map(ratio);
  return [Math.min(...ratios), Math.max(...ratios)] as const;
};

function batchFindings({ batches }: LckvMeasures, shape: ReproduceShape): string[] {
  if (!batches) return [];
  const checks = batchChecks(batches, shape);
  const wrong = checks.filter(({ agrees }) => !agrees);
  const where = `${shownBytes(batches.kvBytes)} of pages`;
  const agreement =
    wrong.length === 0
      ? `All ${checks.length} largest batches found in ${where} are those of the formula: no further sequence would fit, and no head takes a page or more beyond its tokens.`
      : `${wrong.length} of ${checks.length} largest batches found in ${where} are not those of the formula: ${listed(
          wrong.map(
            ({ generation, model, found, formula }) =>
              `${model.name} at ${generationText(generation)} has ${found} for ${shown(formula)}`,
          ),
        )}.`;
  const ratios = checks.flatMap((check) => {
    const standard = standardCheck(checks, check);
    return check.model.key === two && standard && standard.found > 0 ? [check.found / standard.found] : [];
  });
  if (ratios.length === 0) return [agreement];
  const model = lckvModels(shape).find(({ key }) => key === two)!;
  const [low, high] = publishedRange((row) => row.lckv[2].batch / row.standard.batch);
  const span = spreadOf(ratios);
  return [
    agreement,
    `With w = 2 the same memory holds ${range(span.low, span.high)} as many sequences as with Llama, as ${shape.layers} layers share ${kvLayersOf(shape, model.layerMap)} KV layers. The paper has ${range(low, high)}: its models have 22 to 60 layers, and on its cards keys and values get what the weights leave.`,
  ];
}

function throughputFindings({ measured }: LckvMeasures): string[] {
  const ratios = measured.flatMap(({ generation, rows }) => {
    const row = rows.find(({ model }) => model === two);
    return row?.ratio ? [{ text: generationText(generation), row, ratio: row.ratio.median, rows }] : [];
  });
  if (ratios.length === 0) return [];
  const { low, high } = spreadOf(ratios.map(({ ratio }) => ratio));
  const [publishedLow, publishedHigh] = publishedRange((row) => row.lckv[2].rate / row.standard.rate);
  const slower = ratios.filter(({ ratio }) => ratio < 1).map(({ text }) => text);
  const agreement =
    slower.length === ratios.length
      ? "This does not agree: with w = 2 every generation is slower here."
      : slower.length > 0
        ? `This agrees in part: slower than Llama at ${listed(slower)}, faster at the others.`
        : low >= publishedLow
          ? "This agrees."
          : "This agrees in direction, not in size.";
  const costly = ratios.filter(
    ({ row, rows }) => row.promptShare > 2 * standardOf(rows).promptShare && row.promptShare > 0.1,
  );
  const prompts = costly.map(
    ({ text, row, rows }) =>
      `${percent(row.promptShare)} of the time at ${text} (Llama ${percent(standardOf(rows).promptShare)})`,
  );
  return [
    `At its own largest batch LCKV with w = 2 generates ${range(low, high)} as many tokens a second as Llama; the paper has ${range(publishedLow, publishedHigh)}. ${agreement}`,
    ...(prompts.length > 0
      ? [
          `The passes over prompts take their share with w = 2: ${listed(prompts)}. The authors name it as a limit of theirs: throughput falls where prompts are long next to what is generated.`,
        ]
      : []),
  ];
}

/** Whether Llama's throughput still grows where its memory ends: else memory is not what holds it back. */
function boundFindings(measures: LckvMeasures): string[] {
  const rows = measures.throughputOverBatches();
  if (!rows) return [];
  return [standardKey, two].flatMap((key) => {
    const runs = rows.flatMap((row) => row.filter(({ model }) => model === key));
    if (runs.length < 2) return [];
    const name = key === standardKey ? "Llama" : "LCKV with w = 2";
    const [before, last] = [runs.at(-2)!, runs.at(-1)!];
    const growth = last.rate.median / before.rate.median;
    const stop = runs.findIndex(
      ({ rate }, i) => i > 0 && rate.median < stillRising * runs[i - 1]!.rate.median,
    );
    const published =
      key === standardKey ? "" : " In figure 4 (7B on an A100) it stops rising above 32 and falls at 128.";
    if (stop < 0)
      return [
        `${name}'s throughput still grows with its last doubling of the batch, from ${before.batch} to ${last.batch}, by ${times(growth)}: memory is what ends it.${published}`,
      ];
    return [
      `${name}'s throughput no longer rises by a tenth when the batch doubles from ${runs[stop - 1]!.batch} to ${runs[stop]!.batch}, and from ${before.batch} to ${last.batch} changes by ${times(growth)}: not the size of the memory is the bound here, but arithmetic and reading keys and values.${published}`,
    ];
  });
}

function equalBatchFindings(measures: LckvMeasures): string[] {
  const rows = measures.throughputOverBatches();
  const last = rows?.findLast((row) => row.some(({ model }) => model === standardKey));
  const ratio = last?.find(({ model }) => model === two)?.ratio;
  if (!last || !ratio) return [];
  const published = publishedEqualBatch.map(
    ({ shape, standard, two: run }) =>
      `${times(run.rate / standard.rate)} (${shape}, batch ${standard.batch === run.batch ? run.batch : `${standard.batch} and ${run.batch}`})`,
  );
  const agrees = ratio.median > 1.02 ? "It agrees in direction" : "It does not agree";
  return [
    `At an equal batch of ${standardOf(last).batch} and ${generationText(measures.sweep!.generation)}, w = 2 generates ${times(ratio.median)} as many tokens a second as Llama; table 10 has ${listed(published)}. ${agrees}: at one batch both read as much of the cache and do nearly the same arithmetic, so all that w = 2 saves is projections, and its prompts take more passes.`,
  ];
}

function wholeFindings({ whole }: LckvMeasures, shape: ReproduceShape): string[] {
  if (!whole) return [];
  const deviations = whole.rows.map(({ model, decodingMs, steps }) => {
    const estimate = spreadOf(sampledMs(whole.generation, steps)).median;
    const name = lckvModels(shape).find(({ key }) => key === model)!.name;
    return `${name} ${shown(Math.abs(estimate / decodingMs - 1) * 100)} % ${estimate < decodingMs ? "less" : "more"}`;
  });
  return [
    `Sampled steps stand for all: for ${whole.batch} sequences of ${generationText(whole.generation)} they give, next to every step run, ${listed(deviations)}.`,
  ];
}

function standardOf(rows: readonly ThroughputMeasure[]): ThroughputMeasure {
  return rows.find(({ model }) => model === standardKey)!;
}

function range(low: number, high: number): string {
  return shown(low) === shown(high) ? times(low) : `${times(low)} to ${times(high)}`;
}

function percent(share: number): string {
  return `${shown(share * 100)} %`;
}
