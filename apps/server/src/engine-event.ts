import type { PreemptionWay } from "./cache-stats.ts";

/** What happens in an engine's loop, as it happens; `id` is the request's. Other events may come besides. */
export type EngineEvent =
  | {
      readonly type: "preempted";
      readonly id: string;
      readonly way: PreemptionWay;
      readonly tokens: number;
      /** Share of the pages in use, 0 to 1. */
      readonly kvUsage: number;
      /** How often this request was preempted, this time included. */
      readonly preemptions: number;
    }
  | { readonly type: "resumed"; readonly id: string; readonly way: PreemptionWay; readonly tokens: number }
  | {
      readonly type: "step";
      readonly milliseconds: number;
      readonly tokens: number;
      readonly promptTokens: number;
      readonly running: number;
    }
  | { readonly type: "admitted"; readonly id: string; readonly queuedMs: number }
  | { readonly type: "saved" | "restored" | "refused-session" };
