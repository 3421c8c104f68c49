import { prefixNamespace } from "../../src/session/prefix-namespace.ts";
import type { SavedFormat } from "../../src/session/saved-format.ts";

export const format: SavedFormat = {
  model: "00ff".repeat(16),
  weights: "",
  vocabSize: 100,
  layerMap: "0_0_2",
  positions: "rotary 10000",
  passes: "1",
  kvLayers: 2,
  kvHeads: 1,
  headDim: 1,
  pageTokens: 2,
  pageBytes: 3,
  dtype: "f16",
  layout: "fake",
};

export const alice = prefixNamespace({ tenant: "alice", cacheSalt: "", policy: "full" });
export const bob = prefixNamespace({ tenant: "bob", cacheSalt: "", policy: "full" });
