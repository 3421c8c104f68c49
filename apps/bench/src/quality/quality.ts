import { setMaxListeners } from "node:events";
import { Engine, type EngineOptions } from "@kvasir/core";
import { benchVersion } from "../bench-version.ts";
import { conditionsNow } from "../conditions.ts";
import { untimedSteps } from "../untimed-steps.ts";
import { type Configuration, configurationsOf, type Guards, nameOf, policyChoice } from "./configuration.ts";
import { measureNeedles } from "./measure-needles.ts";
import { measureTexts } from "./measure-texts.ts";
import { fileText, ownText } from "./prompt-text.ts";
import type { QualityReport } from "./quality-report.ts";
import type { QualitySettings } from "./quality-settings.ts";
import { needlePrompts, textWindows } from "./samples.ts";
import { type Measured, summarise } from "./summarise.ts";

export type QualityOptions = {
  readonly engine: EngineOptions;
  readonly settings: QualitySettings;
  /** A text file; default: text that the model itself draws. */
  readonly text?: string;
  /** Windows and prompts that run together; a window's logits are held until its batch is done. */
  readonly batch: number;
  /** What was typed, for the report. */
  readonly command: string;
  readonly onProgress?: (progress: QualityProgress) => void;
  /** Ends it early: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
};

/** Work done, in tokens, and what runs now. */
export type QualityProgress = { readonly done: number; readonly total: number; readonly now: string };

/**
 * Measures what eviction policies keep of a model's quality, and how much memory they free. The same settings give
 * the same report, but for tokens a second and the conditions.
 */
export async function quality(options: QualityOptions): Promise<QualityReport> {
  const { settings, batch, onProgress = () => {} } = options;
  // Every window and prompt that runs listens to it.
  const signal = AbortSignal.any(options.signal ? [options.signal] : []);
  setMaxListeners(0, signal);
  const begun = performance.now();
  const conditions = conditionsNow();
  const configurations = configurationsOf(settings);
  const prompts = 2 * settings.lengths.length * settings.depths.length * settings.samples;
  await using engine = await Engine.load({
    ...options.engine,
    ...untimedSteps,
    maxRunning: batch,
    maxWaiting: Math.max(settings.windows, prompts, configurations.length),
    signal,
  });
  await refuseEarly(engine, configurations, settings, signal);
  const own = { seed: settings.seed, signal };
  onProgress({ done: 0, total: 1, now: "preparing the text" });
  const text = options.text ? await fileText(engine, options.text, own) : ownText(engine, own);
  const windows = await textWindows(engine, text, settings);
  const needles = await needlePrompts(engine, text, settings);

  const windowTokens = settings.prompt + settings.tokens + 1;
  const needleTokens = needles.reduce((sum, { length, answerTokens }) => sum + length + answerTokens, 0);
  const total = configurations.length * (settings.windows * windowTokens + needleTokens);
  let done = 0;
  const work = async <T>(now: string, tokens: number, run: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    onProgress({ done, total, now });
    const result = await run();
    done += tokens;
    return result;
  };

  const texts = await measureTexts(
    engine,
    { windows, first: 0, configurations, settings, batch, signal },
    (configuration, count, run) => work(`${nameOf(configuration)}: text`, count * windowTokens, run),
  );
  const measured: Measured[] = [];
  for (const [i, configuration] of configurations.entries()) {
    const choice = (prompt: number) => policyChoice(configuration, settings, prompt);
    const found = await work(`${nameOf(configuration)}: needles`, needleTokens, () =>
      measureNeedles(engine, needles, choice, signal),
    );
    const { samples, decoded, seconds } = texts[i]!;
    measured.push({ configuration, samples, found, tokensPerSecond: decoded / seconds });
  }
  onProgress({ done, total, now: "done" });
  return {
    format: "kvasir-quality",
    formatVersion: 1,
    version: benchVersion(),
    command: options.command,
    conditions,
    seconds: (performance.now() - begun) / 1000,
    model: engine.info,
    text: { source: text.source, ...(text.sha256 && { sha256: text.sha256 }) },
    settings,
    n: {
      windows: windows.length,
      tokens: windows.length * settings.tokens,
      passkey: needles.length / 2,
      "multi-key": needles.length / 2,
    },
    rows: summarise(measured, needles),
  };
}

/** Lets the engine check every policy, budget and layer before anything is measured. */
export async function refuseEarly(
  engine: Engine,
  configurations: readonly Configuration[],
  settings: Guards,
  signal: AbortSignal,
): Promise<void> {
  for (const configuration of configurations) {
    const kvCache = policyChoice(configuration, settings, 0);
    for await (const _ of engine.score({ prompt: [0], continuation: [0], kvCache, signal }));
  }
}
