import { Engine, type EngineInfo, type EngineOptions } from "@kvasir/core";
import { randomIds } from "./random-ids.ts";
import { spreadOf } from "./spread.ts";

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
  /** Generated tokens a second, all requests together, from then on. */
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
  const start = performance.now();
  const firstTokens: number[] = [];
  await Promise.all(
    ids.map(async (prompt) => {
      let first = true;
      for await (const _ of engine.generate({
        prompt,
        maxTokens: generate,
        temperature: 0,
        ignoreEos: true,
      })) {
        if (first) firstTokens.push(performance.now());
        first = false;
      }
    }),
  );
  const end = performance.now();
  const read = Math.max(...firstTokens);
  const promptTokens = ids.reduce((sum, prompt) => sum + prompt.length, 0);
  return {
    promptRate: (promptTokens / (read - start)) * 1000,
    generationRate: generate > 1 ? ((ids.length * (generate - 1)) / (end - read)) * 1000 : Number.NaN,
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
    await using engine = await Engine.load({ ...options.engine, maxRunning: batch });
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
