import type { TableBlock } from "../figure.ts";
import { type Generation, generationText, slotsOf } from "../generation.ts";
import { kvBytesPerToken, kvLayersOf } from "../kv-bytes.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { shown, shownBytes, times } from "../show-number.ts";
import { type LckvModel, lckvModels, standardKey } from "./lckv-models.ts";
import type { BatchesResult } from "./lckv-results.ts";
import { type PublishedRow, publishedName, publishedRows } from "./published.ts";

/** A largest batch, found and by formula. */
export type BatchCheck = {
  readonly generation: Generation;
  readonly model: LckvModel;
  readonly found: number;
  /** Memory over the bytes of a sequence's tokens; not a whole number. */
  readonly formula: number;
  /** Pages that a sequence takes beyond its tokens, for each KV head of each KV layer. */
  readonly pagesBeyond: number;
  /** Whether no more would fit, and a head takes less than a page more than its tokens. */
  readonly agrees: boolean;
};

/** Every batch that was found beside the formula. */
export function batchChecks(
  { kvBytes, pageBytes, rows }: BatchesResult,
  shape: ReproduceShape,
): BatchCheck[] {
  const models = lckvModels(shape);
  return rows.map(({ generation, model: key, batch, pagesEach }) => {
    const model = models.find((one) => one.key === key)!;
    const bytesEach = kvBytesPerToken(shape, model.layerMap, "f16") * slotsOf(generation);
    const heads = kvLayersOf(shape, model.layerMap) * shape.kvHeads;
    const pagesBeyond = batch === 0 ? 0 : (pagesEach - bytesEach / pageBytes) / heads;
    const formula = kvBytes / bytesEach;
    const rounded = batch === 0 ? bytesEach + heads * pageBytes : pagesEach * pageBytes;
    const agrees = pagesBeyond >= 0 && pagesBeyond < 1 && batch <= formula && (batch + 1) * rounded > kvBytes;
    return { generation, model, found: batch, formula, pagesBeyond, agrees };
  });
}

/** Of the standard model at the same lengths. */
export function standardCheck(
  checks: readonly BatchCheck[],
  { generation }: BatchCheck,
): BatchCheck | undefined {
  const text = generationText(generation);
  return checks.find((one) => generationText(one.generation) === text && one.model.key === standardKey);
}

/** What a token takes in each model's cache. */
export function kvTable(shape: ReproduceShape): TableBlock {
  const models = lckvModels(shape);
  const bytes = (model: LckvModel) => kvBytesPerToken(shape, model.layerMap, "f16");
  return {
    kind: "table",
    caption: `KV memory of a token, ${shape.name}: ${shape.layers} layers, ${shape.kvHeads} KV heads of ${shape.headDim}, f16 pages`,
    columns: ["model", "layer map", "KV layers", "bytes a token", "of Llama's"],
    rows: models.map((model) => [
      model.name,
      model.layerMap,
      String(kvLayersOf(shape, model.layerMap)),
      bytes(model).toLocaleString("en"),
      `1/${shown(bytes(models[0]!) / bytes(model))}`,
    ]),
  };
}

/** Largest batches beside the formula's and the paper's. */
export function batchesTable(result: BatchesResult, shape: ReproduceShape): TableBlock {
  const checks = batchChecks(result, shape);
  return {
    kind: "table",
    caption: `Largest batches in ${shownBytes(result.kvBytes)} of pages, found by allocating whole sequences, and by formula: memory over bytes a token times tokens. The paper's are those of its cards' memory, which weights and activations share`,
    columns: [
      "prompt+generation",
      "model",
      "largest batch",
      "by formula",
      "pages beyond it, a head",
      "of Llama's",
      "paper, of Llama's",
    ],
    rows: checks.map((check) => {
      const standard = standardCheck(checks, check);
      return [
        generationText(check.generation),
        check.model.name,
        String(check.found),
        shown(check.formula),
        shown(check.pagesBeyond),
        standard && standard.found > 0 ? times(check.found / standard.found) : undefined,
        publishedText(check.generation, check.model, (row, warmup) =>
          times(row.lckv[warmup].batch / row.standard.batch),
        ),
      ];
    }),
  };
}

/** What the paper has for a generation and a model, of every shape and card; undefined where it has nothing. */
export function publishedText(
  { prompt, generated }: Generation,
  { warmup }: LckvModel,
  text: (row: PublishedRow, warmup: 2 | 10) => string,
): string | undefined {
  if (warmup !== 2 && warmup !== 10) return undefined;
  const rows = publishedRows.filter(
    (row) => row.generation.prompt === prompt && row.generation.generated === generated,
  );
  if (rows.length === 0) return undefined;
  return rows.map((row) => `${text(row, warmup)} (${publishedName(row)})`).join(", ");
}
