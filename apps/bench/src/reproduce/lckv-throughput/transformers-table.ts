import { type Spread, spreadOf } from "../../spread.ts";
import type { TableBlock } from "../figure.ts";
import { generationText, sampledMs, throughputOf } from "../generation.ts";
import { shown, shownSpread, times } from "../show-number.ts";
import type { LckvMeasures } from "./lckv-measures.ts";
import { standardKey } from "./lckv-models.ts";

/** Llama's throughput with transformers at Kvasir's batch; undefined where it was not measured. */
export function transformersRate(measures: LckvMeasures): Spread | undefined {
  const run = measures.transformers?.run;
  if (!run || "missing" in run) return undefined;
  const promptMs = spreadOf(run.promptMs).median;
  const { generation, batch } = run;
  const rates = sampledMs(generation, run.steps).map((stepsMs) =>
    throughputOf(generation, { batch, promptMs, stepsMs }),
  );
  return spreadOf(rates);
}

/** The same model on transformers and on Kvasir. */
export function transformersTable(measures: LckvMeasures): TableBlock | undefined {
  const run = measures.transformers?.run;
  const rate = transformersRate(measures);
  if (!run || "missing" in run || !rate) return undefined;
  const own = measures.throughput(run.generation)?.find(({ model }) => model === standardKey);
  return {
    kind: "table",
    caption: `Llama at ${generationText(run.generation)}, bf16 weights, one static batch: ${run.version} on ${run.threads} threads`,
    columns: ["engine", "batch", "tok/s", "of transformers'"],
    rows: [
      ["transformers", String(run.batch), shownSpread(rate, shown), undefined],
      ...(own
        ? [["Kvasir", String(own.batch), shownSpread(own.rate, shown), times(own.rate.median / rate.median)]]
        : []),
    ],
  };
}
