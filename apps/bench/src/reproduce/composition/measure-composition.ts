import { type Engine, EngineError, type KvCacheOptions, type PolicyChoice } from "@kvasir/core";
import { policyChoice } from "../../quality/configuration.ts";
import { measureTexts } from "../../quality/measure-texts.ts";
import { startIds } from "../../quality/prompt-text.ts";
import { randomIds } from "../../random-ids.ts";
import type { PartContext } from "../figure.ts";
import { heldOutIds } from "../held-out-text.ts";
import { textStretches } from "../l2-norm/text-stretches.ts";
import { withEngine } from "../with-engine.ts";
import {
  budgetOf,
  type CompositionCase,
  type Eviction,
  evictionGuards,
  evictions,
  prefixes,
  standardCase,
} from "./composition-case.ts";
import type { CaseResult, CompositionResult } from "./composition-result.ts";
import { type DecodeRun, decodeTogether } from "./decode-together.ts";

export type CompositionSizes = {
  readonly requests: number;
  /** Tokens that requests have in common, or that each has of its own in their place; then its own; then decoded. */
  readonly prefix: number;
  readonly own: number;
  readonly tokens: number;
  readonly repetitions: number;
  /** Windows of text whose loss is measured: read at once, then decoded by force. */
  readonly windows: number;
  readonly windowPrompt: number;
  readonly windowTokens: number;
};

const configurationOf = (eviction: Eviction) => ({
  policy: eviction === "full" ? "full" : "l2-norm",
  budget: budgetOf(eviction),
  protectLayers: [],
});

const refusal = (error: unknown): string => {
  if (error instanceof EngineError && /^invalid-/.test(error.code)) return error.message;
  throw error;
};

/** Measures all evictions and prefixes of one model and format, in turns with the standard case. */
export async function measureComposition(
  context: PartContext,
  { model, format }: Pick<CompositionCase, "model" | "format">,
  sizes: CompositionSizes,
): Promise<CompositionResult> {
  // A format that pages do not come in is the engine's to refuse.
  const pages: Readonly<Record<string, unknown>> = { dtype: format };
  const kvCache: KvCacheOptions = { ...pages, memory: "256MiB" };
  const options = { maxRunning: Math.max(sizes.requests, sizes.windows), kvCache };
  const standard = { ...options, kvCache: { ...kvCache, dtype: standardCase.format } as const };
  try {
    return await withEngine(context, model, options, (ours, signal) =>
      withEngine(context, standardCase.model, standard, (theirs) =>
        measureOn({ ours, theirs }, context, sizes, signal),
      ),
    );
  } catch (error) {
    return { refused: refusal(error), bytesPerToken: 0, slotsPerPage: 0, heads: 0, ceilings: [], cases: [] };
  }
}

type Sides = { readonly ours: Engine; readonly theirs: Engine };

async function measureOn(
  { ours, theirs }: Sides,
  context: PartContext,
  sizes: CompositionSizes,
  signal: AbortSignal,
): Promise<CompositionResult> {
  const prompts = promptsOf(ours, sizes, context.settings.seed);
  const full: PolicyChoice = { policy: "full" };
  // Prompts are read once and come from the cache of prefixes from then on: only decoding is timed.
  const read = (engine: Engine, prompt: Int32Array) => engine.complete({ prompt, maxTokens: 1, signal });
  await Promise.all([ours, theirs].flatMap((engine) => prompts.none.map((prompt) => read(engine, prompt))));
  await read(ours, prompts.shared[0]!);
  const losses = await lossesOf(ours, context, sizes, signal);
  const open = evictions.flatMap((eviction) =>
    prefixes.map((prefix) => ({
      eviction,
      prefix,
      refused: null as string | null,
      runs: [] as DecodeRun[],
      ratios: [] as number[],
    })),
  );
  const ceilings: number[] = [];
  for (let repetition = 0; repetition < sizes.repetitions; repetition++) {
    const timed = { tokens: sizes.tokens, signal };
    const standard = await decodeTogether(theirs, prompts.none, { ...timed, kvCache: full });
    const short = await decodeTogether(ours, prompts.short, { ...timed, kvCache: full });
    ceilings.push(short.tokensPerSecond / standard.tokensPerSecond);
    for (const one of open) {
      signal.throwIfAborted();
      if (one.refused !== null) continue;
      const kvCache = policyChoice(configurationOf(one.eviction), { ...evictionGuards, seed: 0 }, 0);
      try {
        const run = await decodeTogether(ours, prompts[one.prefix], { ...timed, kvCache });
        one.runs.push(run);
        one.ratios.push(run.tokensPerSecond / standard.tokensPerSecond);
      } catch (error) {
        one.refused = refusal(error);
      }
    }
    context.onProgress(0.4 + (0.6 * (repetition + 1)) / sizes.repetitions);
  }
  const { bytesPerToken, pageTokens, kvLayers, kvHeads, kvBytes, pages } = ours.info;
  const cases = open.map(({ eviction, prefix, refused, runs, ratios }): CaseResult => {
    const last = runs.at(-1);
    return {
      eviction,
      prefix,
      refused,
      requests: sizes.requests,
      usedPages: last?.usedPages ?? 0,
      pageBytes: kvBytes / pages,
      logicalTokens: last?.logicalTokens ?? 0,
      residentTokens: last?.residentTokens ?? 0,
      tokensPerSecond: runs.map(({ tokensPerSecond }) => tokensPerSecond),
      ratios,
      losses: losses.get(eviction)!,
    };
  });
  const heads = kvLayers * kvHeads;
  return { refused: null, bytesPerToken, slotsPerPage: pageTokens, heads, ceilings, cases };
}

/** Random ids: all different, hardly any, and with the same ones first. */
function promptsOf({ info }: Engine, { requests, prefix, own }: CompositionSizes, seed: number) {
  const draw = (count: number, of: number) => randomIds(count, info.vocabSize, seed * 1009 + of);
  const common = draw(prefix, 0);
  const each = Array.from({ length: requests }, (_, i) => i);
  return {
    none: each.map((i) => draw(prefix + own, 1 + i)),
    short: each.map((i) => draw(own, 1 + 2 * requests + i)),
    shared: each.map((i) => Int32Array.from([...common, ...draw(own, 1 + requests + i)])),
  };
}

/** Of each eviction, over the same windows in every part. */
async function lossesOf(
  ours: Engine,
  { settings, onProgress }: PartContext,
  { windows, windowPrompt, windowTokens }: CompositionSizes,
  signal: AbortSignal,
): Promise<ReadonlyMap<Eviction, number[]>> {
  const start = startIds(ours);
  const length = windowPrompt + windowTokens + 1 - start.length;
  const text = await heldOutIds(ours, settings, signal);
  const texts = textStretches(text, { group: 0, groups: 1, count: windows, length, apart: windowTokens });
  let done = 0;
  const runs = await measureTexts(
    ours,
    {
      windows: texts.map((ids) => {
        const all = Int32Array.from([...start, ...ids]);
        return { prompt: all.subarray(0, windowPrompt), continuation: all.subarray(windowPrompt) };
      }),
      first: 0,
      configurations: evictions.map(configurationOf),
      settings: { ...evictionGuards, seed: settings.seed },
      batch: windows,
      signal,
    },
    async (_, __, run) => {
      const result = await run();
      onProgress((0.4 * ++done) / evictions.length);
      return result;
    },
  );
  return new Map(evictions.map((eviction, i) => [eviction, runs[i]!.samples.map(({ loss }) => loss)]));
}
