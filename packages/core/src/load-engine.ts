import path from "node:path";
import type { Grammars } from "@kvasir/grammar";
import type { Policy, PolicyDefinition } from "@kvasir/kv-policies";
import { PagePool } from "@kvasir/paged-memory";
import {
  checkpointFingerprint,
  type Device,
  loadModel,
  type Model,
  openDevice,
  type PageMemory,
} from "@kvasir/runtime";
import type { Tokenizer } from "@kvasir/tokenizer";
import { CacheKeys } from "./cache-keys.ts";
import { checkOptions } from "./checked-options.ts";
import { checkpointTokenizer, endOfText } from "./checkpoint-tokenizer.ts";
import { engineGrammars } from "./engine-grammars.ts";
import type { LoopLimits } from "./engine-loop.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { EngineInfo } from "./engine-report.ts";
import { budgetPages, type PageBudget } from "./page-budget.ts";
import type { ParkingPlace } from "./parked.ts";
import { parkingPlaces } from "./parking-places.ts";
import { checkPolicies, choosePolicy } from "./policy-choice.ts";
import { engineFormat } from "./session/engine-format.ts";
import type { SavedFormat } from "./session/saved-format.ts";

/** Everything that an engine owns. */
export type LoadedEngine = {
  readonly device: Device;
  readonly model: Model;
  readonly memory: PageMemory;
  readonly pool: PagePool;
  readonly tokenizer: Tokenizer | undefined;
  /** Ids that end a text. */
  readonly eosIds: readonly number[];
  /** The engine's own policy, for requests that name none. */
  readonly policy: Policy;
  /** Policies that can be named besides the built-in ones. */
  readonly policies: readonly PolicyDefinition[];
  /** For requests that ask for a format; only with a tokenizer does any token have text. */
  readonly grammars: Grammars;
  readonly pageTokens: number;
  readonly limits: LoopLimits;
  readonly cacheKeys: CacheKeys;
  /** Of its pages, for files. */
  readonly format: SavedFormat;
  readonly places: readonly ParkingPlace[];
  readonly prefixCache: boolean;
  /** Of the passes over a chunk. */
  readonly tolerance: number;
  readonly info: EngineInfo;
  dispose(): void;
};

/** Loads model, tokenizer and policy, and takes the page memory. What was taken goes back if a later part fails. */
export async function loadEngine(options: EngineOptions): Promise<LoadedEngine> {
  const limits = checkOptions(options);
  const policies = checkPolicies(options.policies);
  const owned: Disposable[] = [];
  const dispose = () => {
    for (const one of owned.splice(0).reverse()) one[Symbol.dispose]();
  };
  const own = <T extends Disposable>(one: T): T => {
    owned.push(one);
    return one;
  };
  try {
    const { backend, threads, cpu, onWarning, passes, tolerance, kvCache = {} } = options;
    const { weights, onLoadProgress, signal } = options;
    const device = own(
      openDevice({
        ...(backend && { backend }),
        ...(threads !== undefined && { threads }),
        ...(cpu && { cpu }),
        ...(onWarning && { onWarning }),
      }),
    );
    let packingBegins = () => {};
    const packing = new Promise<void>((resolve) => {
      packingBegins = resolve;
    });
    const loading = loadModel(options.model, {
      device,
      ...(passes !== undefined && { passes }),
      ...(tolerance !== undefined && { tolerance }),
      ...(weights && { weights }),
      onProgress: (progress) => {
        packingBegins();
        onLoadProgress?.(progress);
      },
      ...(signal && { signal }),
    });
    // The device's threads have the weights to do while this one reads the vocabulary; so first things first.
    const reading = Promise.race([packing, loading]).then(() => checkpointTokenizer(options.model));
    const naming = checkpointFingerprint(options.model);
    const [loaded, text, named] = await Promise.allSettled([loading, reading, naming]);
    if (loaded.status === "rejected") throw loaded.reason;
    const model = own(loaded.value);
    if (text.status === "rejected") throw text.reason;
    if (named.status === "rejected") throw named.reason;
    const fingerprint = named.value;
    const tokenizer = text.value;
    const eosIds = await endOfText(options.model, model.config, tokenizer);
    const budget = budgetPages(model, kvCache);
    const { pages, pageTokens, dtype } = budget;
    const policy = choosePolicy(kvCache, { model, pageTokens, policies }, "invalid-options");
    const memory = own(device.pageMemory({ pages, pageTokens, headDim: model.headDim, dtype }));
    const pool = new PagePool({ pages });
    const info = {
      ...describe(options, model, budget, policy, fingerprint),
      ...templateOf(tokenizer),
    };
    const cacheKeys = new CacheKeys({
      fingerprint,
      layerMap: model.layerMap.text,
      passes:
        model.layerMap.groups.length > 0 ? `${passes ?? model.config.passes} of ${limits.chunkTokens}` : "",
      weights: weights ?? "",
      device: device.description.replace(/, .*/, ""),
      dtype,
      pageTokens,
    });
    const { prefixCache = true } = options;
    const places = parkingPlaces(kvCache, pages * memory.pageBytes);
    const format = engineFormat(cacheKeys.identity, model, memory);
    const ours = {
      policy,
      policies,
      pageTokens,
      limits,
      cacheKeys,
      format,
      places,
      prefixCache,
      tolerance: tolerance ?? 0,
    };
    const grammars = engineGrammars(model.vocabSize, tokenizer, eosIds);
    return { device, model, memory, pool, tokenizer, eosIds, grammars, ...ours, info, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function describe(
  options: EngineOptions,
  model: Model,
  budget: PageBudget,
  policy: Policy,
  fingerprint: string,
): EngineInfo {
  const { pages, pageTokens, pageBytes, dtype } = budget;
  const tokenCapacity = Math.floor(pages / (model.kvLayers * model.kvHeads)) * pageTokens;
  return {
    model: path.basename(path.resolve(options.model)),
    fingerprint,
    family: model.config.family,
    device: model.device.description,
    backend: model.device.backend,
    layers: model.config.layers,
    kvLayers: model.kvLayers,
    kvHeads: model.kvHeads,
    headDim: model.headDim,
    layerMap: model.layerMap.text,
    vocabSize: model.vocabSize,
    maxPositions: model.config.maxPositions,
    weightBytes: model.weightBytes,
    weightDtypes: model.weightDtypes,
    kvDtype: dtype,
    bytesPerToken: model.bytesPerToken(dtype),
    pageTokens,
    pages,
    kvBytes: pages * pageBytes,
    tokenCapacity,
    fullRequests: tokenCapacity / model.config.maxPositions,
    policy: policy.name,
    policyOptions: { ...policy.options },
  };
}

/** A template that does not parse is reported to whoever sends messages. */
function templateOf(tokenizer: Tokenizer | undefined): Pick<EngineInfo, "chatTemplate"> {
  try {
    const source = tokenizer?.chatTemplate?.source;
    return source === undefined ? {} : { chatTemplate: source };
  } catch {
    return {};
  }
}
