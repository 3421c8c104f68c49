import type { Logger } from "pino";
import type { ApiKeys } from "../api-keys.ts";
import type { EngineLike } from "../engine-like.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { RequestsUnderWay } from "../requests-under-way.ts";

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
