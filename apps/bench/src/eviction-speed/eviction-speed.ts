import { Engine, type EngineInfo, type EngineOptions } from "@kvasir/core";
import type { CommandProgress } from "../command-progress.ts";
import { type Conditions, conditionsNow } from "../conditions.ts";
import { randomIds } from "../random-ids.ts";
import { type Spread, spreadOf } from "../spread.ts";

export type EvictionSpeedOptions = {
  readonly engine: EngineOptions;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** Decoding steps that are timed. */
  readonly generate: number;
  readonly policies: readonly string[];
  /** What a head keeps: a share up to 1, or tokens. */
  readonly budget: number;
  /** KV layers that keep everything. */
  readonly protectLayers: readonly number[];
  readonly repeat: number;
  readonly seed: number;
  readonly onProgress?: (progress: CommandProgress) => void;
  readonly signal?: AbortSignal;
};

export type EvictionSpeedRow = {
  /** A policy's name; `full` twice: with the whole prompt, and `short`: with a prompt as long as the budget. */
  readonly name: string;
  readonly promptTokens: number;
  /** Tokens a second until the first token was there. */
  readonly promptRate: Spread;
  /** Milliseconds between the first token and the second: the step and the compression of the prompt. */
  readonly secondTokenMs: Spread;
  /** Tokens a second from then on. */
  readonly decodeRate: Spread;
  /** Decoding rate as a multiple of that of `full` and of `short` in the same repetition. */
  readonly againstFull: Spread;
  readonly againstShort: Spread;
  /** Mean slots of a head in use at the end. */
  readonly residentTokens: number;
  /** Bytes of pages in use at the end. */
  readonly kvBytes: number;
};

export type EvictionSpeedReport = {
  readonly info: EngineInfo;
  readonly conditions: Conditions;
  readonly rows: readonly EvictionSpeedRow[];
};

type Case = {
  readonly name: string;
  readonly prompt: number;
  readonly kvCache: Readonly<Record<string, unknown>>;
};
type Sample = {
  promptRate: number;
  secondTokenMs: number;
  decodeRate: number;
  residentTokens: number;
  kvBytes: number;
};

/** Tokens after the second that are not timed: pages of 16 or 32, so that every head has had its turn. */
const settling = 32;

/** How fast a model decodes after a long prompt when policies evict from it: all cases in turns, again and again. */
export async function evictionSpeed(options: EvictionSpeedOptions): Promise<EvictionSpeedReport> {
  const { budget, generate, prompt, policies, protectLayers, repeat, seed, onProgress, signal } = options;
  const short = Math.max(1, budget > 1 ? Math.min(budget, prompt) : Math.ceil(budget * prompt));
  const cases: readonly Case[] = [
    { name: "short", prompt: short, kvCache: { policy: "full" } },
    { name: "full", prompt, kvCache: { policy: "full" } },
    ...policies.map((policy) => ({ name: policy, prompt, kvCache: { policy, budget, protectLayers } })),
  ];
  await using engine = await Engine.load({ ...options.engine, maxRunning: 1 });
  const conditions = conditionsNow();
  const samples = new Map<string, Sample[]>(cases.map(({ name }) => [name, []]));
  const total = cases.length * repeat;
  let done = 0;
  for (let run = 0; run < repeat; run++) {
    for (const one of cases) {
      onProgress?.({ done, total, now: `${one.name}, ${one.prompt} + ${generate} tokens` });
      const ids = randomIds(one.prompt, engine.info.vocabSize, seed + run);
      samples.get(one.name)!.push(await timeOne(engine, one, ids, generate, signal));
      done += 1;
    }
  }
  const rates = (name: string) => samples.get(name)!.map(({ decodeRate }) => decodeRate);
  const ratios = (name: string, to: string) => spreadOf(rates(name).map((rate, i) => rate / rates(to)[i]!));
  const rows = cases.map(({ name, prompt: promptTokens }): EvictionSpeedRow => {
    const own = samples.get(name)!;
    const last = own.at(-1)!;
    return {
      name,
      promptTokens,
      promptRate: spreadOf(own.map(({ promptRate }) => promptRate)),
      secondTokenMs: spreadOf(own.map(({ secondTokenMs }) => secondTokenMs)),
      decodeRate: spreadOf(rates(name)),
      againstFull: ratios(name, "full"),
      againstShort: ratios(name, "short"),
      residentTokens: last.residentTokens,
      kvBytes: last.kvBytes,
    };
  });
  return { info: engine.info, conditions, rows };
}

async function timeOne(
  engine: Engine,
  { kvCache }: Case,
  prompt: Int32Array,
  generate: number,
  signal?: AbortSignal,
): Promise<Sample> {
  const times = [performance.now()];
  let { residentTokens, kvBytes } = engine.stats();
  const maxTokens = 2 + settling + generate;
  const request = { prompt, maxTokens, temperature: 0, ignoreEos: true, kvCache, ...(signal && { signal }) };
  for await (const { ids, finishReason } of engine.generate(request)) {
    for (const _ of ids) times.push(performance.now());
    if (finishReason === undefined) ({ residentTokens, kvBytes } = engine.stats());
  }
  const [start, first, second] = times as [number, number, number];
  return {
    promptRate: (prompt.length / (first - start)) * 1000,
    secondTokenMs: second - first,
    decodeRate: (generate / (times.at(-1)! - times[2 + settling]!)) * 1000,
    residentTokens,
    kvBytes,
  };
}
