import type { Configuration } from "../../quality/configuration.ts";

/** What one configuration did to the windows of text; alike in all configurations of a part. */
export type LmRun = Configuration & {
  /** Of each window: mean nats a token over what was decoded from a cut cache. */
  readonly losses: readonly number[];
  /** Of each window: mean slots in use over all KV layers and heads, divided by their number. */
  readonly residentTokens: readonly number[];
};

export type LmResult = {
  readonly prompt: number;
  readonly tokens: number;
  /** The full cache first. */
  readonly runs: readonly LmRun[];
};
