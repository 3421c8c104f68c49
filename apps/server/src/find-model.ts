import { existsSync } from "node:fs";
import type { LoadProgress } from "@kvasir/core";
import { modelPath, tinyModels } from "@kvasir/tiny-models";
import { downloadModel } from "./download/download-model.ts";
import { type HubId, parseHubId } from "./download/hub-id.ts";
import { defaultModelCache, ModelCache } from "./download/model-cache.ts";

export type ModelSource = {
  /** An embedded model's name, a path, or a model of a hub. */
  readonly model: string;
  /** Where downloaded models are; default: as the environment says. */
  readonly modelCache?: string | undefined;
  readonly hubUrl?: string | undefined;
  /** Use what is there and ask nobody. */
  readonly offline?: boolean | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/**
 * The path of a model. One of a hub is downloaded, unless it is there already: then nobody is asked. Throws an error that
 * names `--model`.
 */
export async function findModel(
  source: ModelSource,
  progress: <T>(what: string, work: (report: (progress: LoadProgress) => void) => Promise<T>) => Promise<T>,
): Promise<string> {
  const { model, modelCache, hubUrl, offline, environment } = source;
  const embedded = tinyModels.find((name) => name === model);
  if (embedded !== undefined) return modelPath(embedded);
  if (existsSync(model)) return model;
  const id = parseHubId(model);
  if (id === undefined) throw missing(model);
  const cache = new ModelCache(modelCache ?? defaultModelCache(environment));
  const found = await cache.find(id);
  if (found !== undefined) return found;
  if (offline) throw notDownloaded(model, id);
  const hub = { url: (hubUrl ?? environment.HF_ENDPOINT)?.replace(/\/+$/, ""), token: environment.HF_TOKEN };
  try {
    return await progress(`downloading ${model}`, (onProgress) =>
      downloadModel({ id, cache, hub, onProgress }),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`--model: ${reason}`, { cause });
  }
}

function missing(model: string): Error {
  const names = tinyModels.join(" and ");
  return new Error(`--model: ${JSON.stringify(model)} does not exist; the embedded models are ${names}`);
}

function notDownloaded(model: string, { org, name }: HubId): Error {
  return new Error(
    `--model: ${JSON.stringify(model)} does not exist, and ${org}/${name} is not in the model cache (--offline)`,
  );
}
