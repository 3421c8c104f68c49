import type { Logger } from "pino";
import { ApiError } from "../api-error.ts";
import type { ApiKeys } from "../api-keys.ts";
import type { EngineLike } from "../engine-like.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { RequestsUnderWay } from "../requests-under-way.ts";
import type { SessionStore } from "../session-store.ts";

/** What the routes of administration work with. */
export type AdminContext = {
  readonly engine: EngineLike;
  readonly underWay: RequestsUnderWay;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly keys: ApiKeys;
  /** Where files are; undefined: nothing is saved. */
  readonly slotSavePath: string | undefined;
  readonly maxRunning: number;
};

/** Throws a 501 where the engine does not have it. */
export function storeOf(engine: EngineLike): SessionStore {
  const { save, restore, erase, saveCache, loadCache, resetCache } = engine;
  if (!save || !restore || !erase || !saveCache || !loadCache || !resetCache) {
    throw new ApiError(501, "not_supported", "this engine keeps no sessions and no cache");
  }
  return engine as EngineLike & SessionStore;
}
