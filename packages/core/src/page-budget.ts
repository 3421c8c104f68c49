import os from "node:os";
import { type DType, dtypeBytes, type Model } from "@kvasir/runtime";
import { EngineError } from "./engine-error.ts";
import { formatBytes, freeMemory, parseBytes } from "./memory-size.ts";

/** How many pages of which size the cache gets. */
export type PageBudget = {
  readonly pages: number;
  readonly pageTokens: number;
  readonly pageBytes: number;
  readonly dtype: DType;
};

/** Requests of full length that the default memory is enough for, at most. */
const defaultRequests = 16;

/**
 * Sizes the page pool: what `memory` says, else a quarter of the free memory, but no more than 16 requests of
 * full length take. Throws `invalid-options` when that is less than one page for every head.
 */
export function budgetPages(
  model: Model,
  options: { readonly memory?: number | string; readonly dtype?: DType; readonly pageTokens?: number },
): PageBudget {
  const { dtype = "f16", pageTokens = 16 } = options;
  const heads = model.kvLayers * model.kvHeads;
  const pageBytes = (pageTokens * model.bytesPerToken(dtype)) / heads;
  const full = Math.ceil(model.config.maxPositions / pageTokens) * heads * pageBytes;
  const memory =
    options.memory === undefined
      ? Math.min(freeMemory() / 4, defaultRequests * full)
      : parseBytes(options.memory, "kvCache.memory");
  if (memory > os.totalmem()) {
    throw new EngineError(
      "invalid-options",
      `kvCache.memory: ${formatBytes(memory)} is more than the ${formatBytes(os.totalmem())} of this machine`,
      "kvCache.memory",
    );
  }
  const pages = Math.min(Math.floor(memory / pageBytes), 2 ** 31 - 1);
  if (pages < heads) {
    throw new EngineError(
      "invalid-options",
      `kvCache.memory: ${formatBytes(memory)} is less than one page of ${pageTokens} tokens for each of ${heads} heads; ` +
        `at least ${formatBytes(heads * pageBytes)} are needed, and ${formatBytes(full)} for one request of ` +
        `${model.config.maxPositions} tokens (${dtypeBytes[dtype]}-byte elements)`,
      "kvCache.memory",
    );
  }
  return { pages, pageTokens, pageBytes, dtype };
}
