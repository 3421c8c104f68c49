import { setMaxListeners } from "node:events";
import { Engine, type EngineOptions } from "@kvasir/core";
import { benchVersion } from "../bench-version.ts";
import type { CommandProgress } from "../command-progress.ts";
import { conditionsNow } from "../conditions.ts";
import { type Configuration, fullConfiguration, nameOf } from "../quality/configuration.ts";
import { meanOf } from "../quality/estimate.ts";
import { measureTexts } from "../quality/measure-texts.ts";
import { fileText, ownText } from "../quality/prompt-text.ts";
import { refuseEarly } from "../quality/quality.ts";
import { textWindows } from "../quality/samples.ts";
import { untimedSteps } from "../untimed-steps.ts";
import { frontierOf, nearestTo } from "./frontier.ts";
import { risesOf, tunePoint } from "./judge-points.ts";
import { budgetOf } from "./kv-flags.ts";
import { type Limits, search } from "./search.ts";
import type { MeasurePoints, Point } from "./tried-points.ts";
import type { TuneReport } from "./tune-report.ts";
import type { TuneSettings } from "./tune-settings.ts";

export type TuneOptions = {
  readonly engine: EngineOptions;
  readonly settings: TuneSettings;
  /** A text file; default: text that the model itself draws. */
  readonly text?: string;
  /** Windows that run together; their logits are held until their batch is done. */
  readonly batch: number;
  /** What was typed, for the report. */
  readonly command: string;
  /** In windows; the total falls where the search needs less than it might. */
  readonly onProgress?: (progress: CommandProgress) => void;
  /** Ends it early: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
};

/**
 * Searches policies and budgets for those that stay below a memory limit and a divergence from the full cache. The
 * same settings give the same report, but for the time it took and the conditions.
 *
 * @throws RangeError for settings out of range, EngineError for what the engine refuses
 */
export async function tune(options: TuneOptions): Promise<TuneReport> {
  const { settings, batch, onProgress = () => {} } = options;
  const { windows: count } = settings;
  refuseSettings(settings);
  const signal = AbortSignal.any(options.signal ? [options.signal] : []);
  // Every window that runs listens to it.
  setMaxListeners(0, signal);
  const begun = performance.now();
  const conditions = conditionsNow();
  const candidates = candidatesOf(settings);
  await using engine = await Engine.load({
    ...options.engine,
    ...untimedSteps,
    maxRunning: batch,
    maxWaiting: 2 * count,
    signal,
  });
  await refuseEarly(engine, candidates, settings, signal);
  const own = { seed: settings.seed, signal };
  onProgress({ done: 0, total: 1, now: "preparing the text" });
  const text = options.text ? await fileText(engine, options.text, own) : ownText(engine, own);
  // In turns, so that both kinds of windows are from all over a text.
  const all = await textWindows(engine, text, { ...settings, windows: 2 * count });
  const windows = {
    steer: all.filter((_, i) => i % 2 === 0),
    judge: all.filter((_, i) => i % 2 === 1),
  };

  let runs = 0;
  let total = 1;
  const measured = async (configurations: readonly Configuration[], range: Parameters<MeasurePoints>[1]) => {
    const { purpose, from, to } = range;
    const some = windows[purpose].slice(from, to);
    const first = from + (purpose === "judge" ? count : 0);
    const texts = { windows: some, first, configurations, settings, batch, signal };
    return measureTexts(engine, texts, async (configuration, together, run) => {
      signal.throwIfAborted();
      onProgress({ done: runs, total, now: nameOf(configuration) });
      const result = await run();
      if (configuration !== fullConfiguration) runs += together;
      return result;
    });
  };
  const judging = { purpose: "judge", from: 0, to: count } as const;
  const full = {
    configuration: fullConfiguration,
    samples: (await measured([fullConfiguration], judging))[0]!.samples,
  };
  const limits = limitsOf(settings, meanOf(full.samples.map(({ kvBytes }) => kvBytes)).value);
  const configurationOf = ({ candidate, percent }: Point): Configuration => ({
    ...candidates[candidate]!,
    budget: budgetOf(percent),
  });
  const found = await search({
    candidates: candidates.length,
    lowest: lowestPercent(engine.info.pageTokens, settings),
    limits,
    windows: count,
    measure: async (points, range) => {
      const configurations = [fullConfiguration, ...points.map(configurationOf)];
      return (await measured(configurations, range)).slice(1).map(({ samples }) => samples);
    },
    onRound: (rest) => {
      total = runs + rest;
    },
  });
  onProgress({ done: total, total, now: "done" });
  const judged = found.map((point) => ({ configuration: configurationOf(point), samples: point.samples }));
  const points = [full, ...judged].map((one) => tunePoint(one, settings, engine.info));
  const frontier = frontierOf(points, limits);
  return {
    format: "kvasir-tune",
    formatVersion: 1,
    version: benchVersion(),
    command: options.command,
    conditions,
    seconds: (performance.now() - begun) / 1000,
    model: engine.info,
    text: { source: text.source, ...(text.sha256 && { sha256: text.sha256 }) },
    settings,
    limits,
    n: { windows: count, tokens: count * settings.tokens, candidates: candidates.length, runs },
    full: points[0]!,
    frontier,
    nearest: frontier.length > 0 ? [] : nearestTo(points, limits),
    judged: points.slice(1),
    rises: risesOf(judged),
  };
}

/** Every policy with every set of protected layers; their budgets are to be found. */
function candidatesOf({ policies, protect }: TuneSettings): Configuration[] {
  return [...new Set(policies)]
    .filter((policy) => policy !== "full")
    .flatMap((policy) => protect.map((protectLayers) => ({ policy, budget: 0.5, protectLayers })));
}

function limitsOf({ memory, maxKl }: TuneSettings, fullBytes: number): Limits {
  return { kvBytes: memory <= 1 ? memory * fullBytes : memory, divergence: maxKl };
}

/** Smaller budgets keep what guards and the last page keep in any case. */
function lowestPercent(pageTokens: number, { sinks, recent, prompt, tokens }: TuneSettings): number {
  const kept = Math.max(sinks + Math.max(recent, 1), pageTokens);
  return Math.min(100, Math.ceil((100 * kept) / (prompt + tokens)));
}

function refuseSettings({ memory, maxKl, windows, policies, protect }: TuneSettings): void {
  const refuse = (field: string, expected: string, received: unknown) => {
    throw new RangeError(`${field}: expected ${expected}, received ${received}`);
  };
  if (!(memory > 0 && memory < Infinity)) refuse("memory", "a share above 0, or bytes", memory);
  if (!(maxKl >= 0 && maxKl < Infinity)) refuse("maxKl", "nats from 0", maxKl);
  if (!(Number.isSafeInteger(windows) && windows >= 2)) refuse("windows", "2 or more", windows);
  if (!policies.some((policy) => policy !== "full")) refuse("policies", "one that evicts", policies);
  if (protect.length === 0) refuse("protect", "one or more sets of layers", "none");
}
