import type { Conditions } from "../../conditions.ts";
import type { LatencyName, LoadSettings } from "../load-settings.ts";
import type { ServerIdentity } from "../server-identity.ts";
import type { Latencies } from "./latencies.ts";
import type { TimeSeries } from "./time-series.ts";

/** What a server did under load; `kvasir-bench serve --json` prints it. */
export type LoadReport = {
  readonly version: string;
  readonly command: string;
  readonly conditions: Conditions;
  readonly server: ServerIdentity;
  readonly settings: LoadSettings;
  readonly cache: CacheFacts;
  /** Words that were made into a token's worth of prompt; 0 with token ids. */
  readonly tokensPerWord: number;
  /** From the first arrival that counts to the last end. */
  readonly seconds: number;
  readonly requests: RequestCounts;
  readonly errors: readonly ErrorCount[];
  readonly tokens: TokenSums;
  /** A second: completed requests, prompt tokens of these, and all output tokens received. */
  readonly rates: { readonly requests: number; readonly prompt: number; readonly output: number };
  /** Of completed requests, in milliseconds. */
  readonly latencies: Latencies;
  readonly goodput?: Goodput;
  readonly generator: GeneratorFacts;
  readonly check?: CheckResult;
  readonly series: TimeSeries;
  /** What should not have happened; the command exits with 1 where there is any. */
  readonly violations: readonly string[];
};

export type CacheFacts = {
  readonly claim: LoadSettings["cache"];
  readonly salt: "cache_salt" | "text" | "none";
  readonly nonce: string;
};

export type RequestCounts = {
  /** All that were sent. */
  readonly sent: number;
  readonly completed: number;
  readonly cancelled: number;
  /** Malformed and oversized ones, as they should be. */
  readonly refused: number;
  readonly failed: number;
  /** Never sent: too many were open. */
  readonly dropped: number;
  readonly warmUp: number;
};

export type ErrorCount = {
  /** Of HTTP; 0 where the connection failed. */
  readonly status: number;
  readonly code: string;
  readonly count: number;
};

export type TokenSums = {
  readonly prompt: number;
  readonly output: number;
  readonly cached: number;
  /** `cached / prompt` of the answers that report both; absent where none does. */
  readonly hitRate?: number;
  /** Completed requests whose output was counted by events, as the server sent no usage. */
  readonly countedByEvents: number;
};

/** Requests that kept every limit. */
export type Goodput = {
  readonly limits: Readonly<Partial<Record<LatencyName, number>>>;
  readonly good: number;
  /** Of all that were to complete, dropped and failed ones included. */
  readonly share: number;
  readonly rate: number;
};

/** Whether the generator itself was in the way, in milliseconds. */
export type GeneratorFacts = {
  /** By how much this process's event loop was late. */
  readonly loopDelay: { readonly p99: number; readonly max: number };
  /** By how much requests were sent after they were due. */
  readonly sendDelay: { readonly p99: number; readonly max: number };
  /** Processor time of this process, of one processor's. */
  readonly processor: number;
};

export type CheckResult = {
  readonly compared: number;
  readonly differences: readonly Difference[];
};

/** A greedy request that was answered otherwise when it was alone. */
export type Difference = {
  readonly body: Readonly<Record<string, unknown>>;
  readonly underLoad: string;
  readonly alone: string;
};
