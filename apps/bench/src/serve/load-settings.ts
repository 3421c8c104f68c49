/** Whole numbers or lengths from `low` to `high`, both included. */
export type Range = { readonly low: number; readonly high: number };

export const workloadNames = ["random", "shared-prefix", "multi-turn", "file"] as const;
export type WorkloadName = (typeof workloadNames)[number];

export const latencyNames = ["ttft", "itl", "tpot", "e2e"] as const;
/**
 * Time to the first token; the gap before each further one; the mean gap of a request; arrival to end.
 * All in milliseconds, and from the arrival: what a request waits for in the generator counts.
 */
export type LatencyName = (typeof latencyNames)[number];

/** Clients that each send when their last answer has ended, or arrivals that wait for nobody. */
export type Pace =
  | { readonly kind: "closed"; readonly clients: number }
  | {
      readonly kind: "open";
      /** Sessions a second, on average: requests, except with `multi-turn`. */
      readonly rate: number;
      /** Shape of the gamma distribution of gaps: 1 is Poisson, below 1 in bursts, above 1 more even. */
      readonly burstiness: number;
      /** Requests open at once; an arrival beyond them is dropped, and counted. */
      readonly maxOpen: number;
    };

export type WorkloadSettings = {
  /** Shares of sessions, which need not add up to 1. */
  readonly mix: readonly { readonly name: WorkloadName; readonly share: number }[];
  readonly promptTokens: Range;
  readonly outputTokens: Range;
  /** Prompts as token ids, of a vocabulary of so many. */
  readonly vocabSize?: number;
  readonly groups: number;
  readonly prefixTokens: number;
  readonly suffixTokens: Range;
  readonly turns: Range;
  /** Seconds between an answer and the next turn. */
  readonly thinkSeconds: Range;
  /** JSON lines: a body each. */
  readonly file?: string;
};

/** Shares of requests that do not behave. */
export type UnrulyShares = {
  /** Closed by the client at a random point. */
  readonly cancel: number;
  /** With a body that no server should take. */
  readonly malformed: number;
  /** With a body of `oversizedBytes`. */
  readonly oversized: number;
  readonly oversizedBytes: number;
};

/** How runs are kept from each other's cached prefixes. */
export type SaltKind = "auto" | "cache_salt" | "text" | "none";

export type LoadSettings = {
  readonly endpoint: "completions" | "chat";
  /** Default: the first that the server lists. */
  readonly model?: string;
  readonly pace: Pace;
  /** Requests, at most. One of the two limits, or both. */
  readonly requests?: number;
  /** Seconds in which requests begin. */
  readonly duration?: number;
  /** Requests before anything counts. */
  readonly warmUp: number;
  /** Seconds that a request may take. */
  readonly timeout: number;
  readonly workload: WorkloadSettings;
  readonly unruly: UnrulyShares;
  readonly stream: boolean;
  readonly greedy: boolean;
  readonly ignoreEos: boolean;
  /** Fields that every body gets. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly salt: SaltKind;
  /** What the run is to be called; refused where its answers say otherwise. */
  readonly cache: "salted" | "cold" | "warm";
  /** Greedy answers that are asked for again, alone, and compared. */
  readonly check: number;
  /** Milliseconds. */
  readonly slo: Readonly<Partial<Record<LatencyName, number>>>;
};

export const defaultLoadSettings: LoadSettings = {
  endpoint: "completions",
  pace: { kind: "closed", clients: 8 },
  warmUp: 8,
  timeout: 600,
  workload: {
    mix: [{ name: "random", share: 1 }],
    promptTokens: { low: 128, high: 128 },
    outputTokens: { low: 32, high: 32 },
    groups: 4,
    prefixTokens: 256,
    suffixTokens: { low: 32, high: 32 },
    turns: { low: 4, high: 4 },
    thinkSeconds: { low: 0, high: 0 },
  },
  unruly: { cancel: 0, malformed: 0, oversized: 0, oversizedBytes: 9 * 2 ** 20 },
  stream: true,
  greedy: false,
  ignoreEos: false,
  body: {},
  seed: 1,
  salt: "auto",
  cache: "salted",
  check: 0,
  slo: {},
};
