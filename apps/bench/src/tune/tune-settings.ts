import { defaultSettings, type QualitySettings } from "../quality/quality-settings.ts";

/** What is looked for, and on what; all of it is in the report. */
export type TuneSettings = Pick<
  QualitySettings,
  "policies" | "protect" | "sinks" | "recent" | "prompt" | "tokens" | "seed"
> & {
  /**
   * What the pages of one request may take, mean while it decodes `tokens` after a prompt of `prompt` tokens: up to
   * 1, a share of what the full cache takes; above, bytes.
   */
  readonly memory: number;
  /** The largest mean Kullback-Leibler divergence from the full cache that is tolerable, in nats, from 0. */
  readonly maxKl: number;
  /** Windows of text that points are judged on, at least 2. As many more steer the search. */
  readonly windows: number;
};

/** What `kvasir-bench tune` takes unless told; the limits have no default. */
export const defaultTuneSettings: Omit<TuneSettings, "memory" | "maxKl"> = {
  policies: defaultSettings.policies.filter((policy) => policy !== "full" && policy !== "random"),
  protect: defaultSettings.protect,
  sinks: defaultSettings.sinks,
  recent: defaultSettings.recent,
  windows: 12,
  prompt: defaultSettings.prompt,
  tokens: defaultSettings.tokens,
  seed: defaultSettings.seed,
};
