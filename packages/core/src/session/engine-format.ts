import { createHash } from "node:crypto";
import type { Model, PageMemory } from "@kvasir/runtime";
import type { CacheIdentity } from "../cache-keys.ts";
import type { SavedFormat } from "./saved-format.ts";

/** What the pages of an engine mean. */
export function engineFormat(identity: CacheIdentity, model: Model, memory: PageMemory): SavedFormat {
  const { kvLayers, kvHeads, headDim, vocabSize } = model;
  const { rope, slidingWindow, forceNodiag } = model.config;
  const positions = createHash("sha256").update(JSON.stringify([rope, slidingWindow, forceNodiag]));
  return {
    model: identity.fingerprint,
    weights: identity.weights,
    vocabSize,
    layerMap: identity.layerMap,
    positions: positions.digest("hex").slice(0, 16),
    passes: identity.passes,
    kvLayers,
    kvHeads,
    headDim,
    pageTokens: identity.pageTokens,
    pageBytes: memory.pageBytes,
    dtype: identity.dtype,
    layout: identity.device,
  };
}
