import { Engine, type EngineInfo, type EngineOptions } from "@kvasir/core";
import { generateTogether } from "./generate-together.ts";
import { randomIds } from "./random-ids.ts";
import { spreadOf } from "./spread.ts";
import { untimedSteps } from "./untimed-steps.ts";

export type ThroughputOptions = {
  readonly engine: EngineOptions;
  /** Tokens of each prompt. */
  readonly prompt: number;
  /** Tokens generated after each. */
  readonly generate: number;
  /** How many requests run together, one entry a row of the result. */
  readonly batches: readonly number[];
  /** Times each batch is run; the median is reported. */
  readonly repeat: number;
  readonly seed: number;
};

export type ThroughputRow = {
  readonly batch: number;
  /** Prompt tokens a second, all requests together, until the last of them has its first token. */
  readonly promptRate: number;
  /** Generated tokens a second, all requests together, from then on; NaN where none was left to generate. */
  readonly generationRate: number;
  /** Bytes of pages in use at their highest, in this row's runs. */
  readonly peakKvBytes: number;
  /** Resident bytes of the process at their highest, in this row's runs. */
  readonly peakRss: number;
};

export type ThroughputReport = { readonly info: EngineInfo; readonly rows: readonly ThroughputRow[] };

/** Every run has prompts of its own, so that no cache of prefixes can make a run look faster than it is. */
function prompts(
  { seed, prompt }: ThroughputOptions,
  batch: number,
  run: number,
  vocab: number,
): Int32Array[] {
  return Array.from({ length: batch }, (_, i) => randomIds(prompt, vocab, seed + run * batch + i));
}

async function once(engine: Engine, ids: readonly Int32Array[], generate: number) {
  const { firstMs, restMs, restTokens } = await generateTogether(engine, ids, generate);
  const promptTokens = ids.reduce((sum, prompt) => sum + prompt.length, 0);
  return {
    promptRate: (promptTokens / firstMs) * 1000,
    generationRate: restTokens > 0 ? (restTokens / restMs) * 1000 : Number.NaN,
  };
}

/** Measures a model's throughput over batches; a warm-up run of each batch is not counted. */
export async function throughput(
  options: ThroughputOptions,
  onRun: (done: number, of: number) => void = () => {},
): Promise<ThroughputReport> {
  const rows: ThroughputRow[] = [];
  const runs = options.repeat + 1;
  let info: EngineInfo | undefined;
  for (const [index, batch] of options.batches.entries()) {
    await using engine = await Engine.load({ ...options.engine, ...untimedSteps, maxRunning: batch });
    info = engine.info;
    let peakRss = 0;
    const watch = setInterval(() => {
      peakRss = Math.max(peakRss, process.memoryUsage.rss());
    }, 20);
    try {
      const rates = [];
      for (let run = 0; run < runs; run++) {
        rates.push(await once(engine, prompts(options, batch, run, info.vocabSize), options.generate));
        onRun(index * runs + run + 1, options.batches.length * runs);
      }
      const counted = rates.slice(1);
      rows.push({
        batch,
        promptRate: spreadOf(counted.map(({ promptRate }) => promptRate)).median,
        generationRate: spreadOf(counted.map(({ generationRate }) => generationRate)).median,
        peakKvBytes: engine.stats().peakKvBytes,
        peakRss: Math.max(peakRss, process.memoryUsage.rss()),
      });
    } finally {
      clearInterval(watch);
    }
  }
  return { info: info!, rows };
}
