import { Engine } from "@kvasir/core";
import { readGguf } from "@kvasir/gguf";
import { loadModel, openDevice } from "@kvasir/runtime";
import { benchVersion } from "../bench-version.ts";
import { CheckpointRunner } from "../checkpoint-runner.ts";
import { generateTogether, type Timing } from "../generate-together.ts";
import { untimedSteps } from "../untimed-steps.ts";
import type { KvasirSideOptions, Probe, Side, SideInfo, Work } from "./side.ts";

/** Kvasir as its users have it: through the engine, ids in, ids and text out. The call that it returns loads. */
export async function openSide(options: KvasirSideOptions): Promise<() => Promise<Side>> {
  const memory = await cacheBytes(options);
  const { model, chunk, sequences } = options;
  return async () => {
    const engine = await Engine.load({
      ...deviceOf(options),
      ...untimedSteps,
      model,
      maxRunning: sequences,
      kvCache: { memory },
      ...(chunk !== undefined && { stepTokens: Math.max(chunk, sequences), chunkTokens: chunk }),
    });
    const { device, kvDtype, weightDtypes } = engine.info;
    const settings = `${device}, ${weightDtypes.join("+")} weights, ${kvDtype} cache, chunks of ${chunk ?? 512}`;
    return new EngineSide(engine, { ...identity, settings });
  };
}

const identity = { name: "kvasir", version: benchVersion() };

class EngineSide implements Side {
  readonly info: SideInfo;
  readonly #engine: Engine;

  constructor(engine: Engine, info: SideInfo) {
    this.#engine = engine;
    this.info = info;
  }

  generate({ prompts, generate }: Work): Promise<Timing> {
    return generateTogether(this.#engine, prompts, generate);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

/** Logits at the places of each probe; the cache is as the engine's. */
export async function sideLogits(options: KvasirSideOptions, probes: readonly Probe[]) {
  using device = openDevice(deviceOf(options));
  using model = await loadModel(options.model, { device });
  const logits: Float32Array[][] = [];
  for (const { prompt, rows, after } of probes) {
    using runner = new CheckpointRunner(model, prompt.length + after.length, "f16");
    const flat = await runner.logits(prompt, rows);
    const found: Float32Array[] = Array.from(rows, (_, i) =>
      flat.slice(i * model.vocabSize, (i + 1) * model.vocabSize),
    );
    for (const id of after) found.push(await runner.logits(Int32Array.of(id)));
    logits.push(found);
  }
  return { info: { ...identity, settings: device.description }, logits };
}

function deviceOf({ backend, cpu, threads }: KvasirSideOptions) {
  return { backend, threads, ...(cpu && { cpu }), onWarning: () => {} };
}

/** Bytes of f16 pages for the tokens that are asked for, and for a last page of each sequence that is not full. */
async function cacheBytes({ model, sequences, cacheTokens }: KvasirSideOptions): Promise<number> {
  const { metadata } = await readGguf(model, { tensors: false });
  const architecture = metadata.get("general.architecture");
  const number = (key: string) => {
    const value = metadata.get(`${architecture}.${key}`);
    return typeof value === "number" ? value : undefined;
  };
  const heads = number("attention.head_count") ?? 1;
  const kvHeads = number("attention.head_count_kv") ?? heads;
  const headDim = number("attention.key_length") ?? (number("embedding_length") ?? 0) / heads;
  const bytesPerToken = (number("block_count") ?? 0) * kvHeads * (4 * headDim + 8);
  return (cacheTokens + 32 * sequences) * bytesPerToken;
}
