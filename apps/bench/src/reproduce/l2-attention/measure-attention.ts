import { setImmediate } from "node:timers/promises";
import { loadModel } from "@kvasir/runtime";
import { modelPath, type TinyModel } from "@kvasir/tiny-models";
import { startIds } from "../../quality/prompt-text.ts";
import type { PartContext } from "../figure.ts";
import { heldOutIds } from "../held-out-text.ts";
import { type TextGroup, textStretches } from "../l2-norm/text-stretches.ts";
import { withEngine } from "../with-engine.ts";
import { type AttentionLoss, attentionLoss } from "./attention-loss.ts";
import { pearson, spearman } from "./correlation.ts";
import { type HeadSlots, readHeads } from "./read-heads.ts";

export type AttentionSizes = {
  readonly texts: number;
  /** Tokens whose keys are looked at, and tokens after them that pay attention. */
  readonly slots: number;
  readonly queries: number;
};

/** Of one KV head in one text: key norm against attention received. */
export type HeadMeasure = AttentionLoss & { readonly spearman: number; readonly pearson: number };

export type AttentionResult = {
  /** [kvLayers] decoder layers that the keys are of. */
  readonly sources: readonly number[];
  /** [texts][kvLayers][kvHeads] */
  readonly texts: readonly (readonly (readonly HeadMeasure[])[])[];
};

export async function measureAttention(
  context: PartContext,
  model: TinyModel,
  group: TextGroup,
  { texts, slots, queries }: AttentionSizes,
): Promise<AttentionResult> {
  const { settings, signal, onProgress } = context;
  // For its tokenizer: what is looked at inside is no engine's to show.
  const options = { kvCache: { memory: "16MiB" } };
  const ids = await withEngine(context, model, options, async (engine, shared) => {
    const start = startIds(engine);
    const length = slots + queries - start.length;
    const all = await heldOutIds(engine, settings, shared);
    return textStretches(all, { ...group, count: texts, length, apart: 0 }).map((text) =>
      Int32Array.from([...start, ...text]),
    );
  });
  using loaded = await loadModel(modelPath(model), { device: settings.device, signal });
  const measured: HeadMeasure[][][] = [];
  for (const text of ids) {
    measured.push(await measureHeads(await readHeads(loaded, text, slots, signal)));
    onProgress(measured.length / texts);
  }
  return { sources: loaded.layerMap.kvSources, texts: measured };
}

async function measureHeads(layers: readonly (readonly HeadSlots[])[]): Promise<HeadMeasure[][]> {
  const result: HeadMeasure[][] = [];
  for (const heads of layers) {
    const row: HeadMeasure[] = [];
    for (const { norms, attention } of heads) {
      // Sorting takes a while, and others may have work for this thread.
      await setImmediate();
      row.push({
        spearman: spearman(norms, attention),
        pearson: pearson(norms, attention),
        ...attentionLoss(norms, attention),
      });
    }
    result.push(row);
  }
  return result;
}
