import type { SessionRefusal } from "./session/session-refused.ts";

/**
 * What became of the pages of a preempted request: they were given up, and their tokens are computed again
 * (`recompute`), or copied to memory of the host or to a file.
 */
export type PreemptionWay = "recompute" | "host" | "file";

/** What the engine does beside its answers, for logs and metrics. Told between two steps: return soon, throw nothing. */
export type EngineEvent =
  | {
      /** A request came to its turn for the first time. */
      readonly type: "admitted";
      readonly id: string;
      /** Milliseconds since it was submitted. */
      readonly queued: number;
      readonly promptTokens: number;
      readonly cachedTokens: number;
    }
  | {
      readonly type: "preempted";
      readonly id: string;
      readonly way: PreemptionWay;
      /** Tokens that were in its cache, evicted ones included. */
      readonly tokens: number;
      /** Share of all pages that sequences hold, before it gave up its own. */
      readonly kvUsage: number;
      /** How often it was preempted, this time included. */
      readonly preemptions: number;
    }
  | {
      readonly type: "resumed";
      readonly id: string;
      readonly way: PreemptionWay;
      /** Tokens that need not be computed again. */
      readonly tokens: number;
    }
  | {
      readonly type: "step";
      readonly milliseconds: number;
      /** Tokens of the step, and how many of them were of prompts. */
      readonly tokens: number;
      readonly promptTokens: number;
      readonly running: number;
    }
  | {
      /** A conversation, or all prefixes where there is no name, went to a file or came from one. */
      readonly type: "saved" | "restored";
      readonly session?: string;
      readonly tokens: number;
      readonly bytes: number;
      readonly milliseconds: number;
    }
  | {
      /** A file was not taken, or there was nothing to save. */
      readonly type: "refused-session";
      readonly session?: string;
      readonly reason: SessionRefusal;
    };
