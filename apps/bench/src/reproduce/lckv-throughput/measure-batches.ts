import type { PartContext } from "../figure.ts";
import { slotsOf } from "../generation.ts";
import { kvLayersOf } from "../kv-bytes.ts";
import { KvMemory } from "../kv-memory.ts";
import { largestBatch } from "../largest-batch.ts";
import { lckvModels } from "./lckv-models.ts";
import { type LckvPlan, plannedKvBytes } from "./lckv-plan.ts";
import type { BatchesResult } from "./lckv-results.ts";

/** Finds the largest batch of every model and generation. No model is loaded: only pages are taken and given back. */
export async function measureBatches(
  plan: LckvPlan,
  { settings, signal, onProgress }: PartContext,
): Promise<BatchesResult> {
  const { shape, device } = settings;
  const bytes = plannedKvBytes(plan, shape);
  using kv = new KvMemory({ device, bytes, headDim: shape.headDim, dtype: "f16" });
  const models = lckvModels(shape);
  const rows: BatchesResult["rows"][number][] = [];
  for (const { prompt, generated } of plan.generations) {
    const generation = { prompt, generated };
    for (const { key, layerMap } of models) {
      const tokens = slotsOf(generation);
      const kvLayers = kvLayersOf(shape, layerMap);
      const found = await largestBatch({ kv, kvLayers, kvHeads: shape.kvHeads, tokens, signal });
      rows.push({ generation, model: key, ...found });
      onProgress(rows.length / (plan.generations.length * models.length));
    }
  }
  return { kind: "batches", kvBytes: bytes, pageBytes: kv.pages.pageBytes, rows };
}
