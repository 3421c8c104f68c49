import type { Engine, EngineOptions } from "@kvasir/core";
import { measureNeedles } from "../../quality/measure-needles.ts";
import { type NeedlePrompt, needlePrompt } from "../../quality/needle-prompt.ts";
import { spread } from "../../quality/prompt-text.ts";
import type { Part, PartContext, ReproduceSettings } from "../figure.ts";
import { heldOutIds, heldOutName } from "../held-out-text.ts";
import { withEngine } from "../with-engine.ts";
import { forcedWindow, measureLosses } from "./measure-text.ts";
import type {
  Encoding,
  LckvQualityResult,
  PassesResult,
  PasskeyResult,
  TextResult,
} from "./quality-result.ts";
import { meanLoss } from "./quality-result.ts";
import { type LckvQualitySizes, lckvQualitySizes } from "./quality-sizes.ts";

const cache: EngineOptions["kvCache"] = { memory: "96MiB" };
/** Enough for any prompt here to be encoded at once, as the paper does. */
const chunk = { stepTokens: 1024, chunkTokens: 1024 };

/** Parts by name, so that their results are found again. */
export function lckvQualityParts(settings: ReproduceSettings, sizes: LckvQualitySizes = lckvQualitySizes) {
  const { text, positions, passes, encodings, passkey } = sizes;
  const from = heldOutName(settings);
  const named = (what: string, windows: { windows: number; tokens: number }) =>
    `${what}, ${windows.windows} windows of ${windows.tokens} tokens of ${from}`;
  return {
    text: {
      key: named("loss of tiny and tiny-lckv", text),
      label: "perplexity of tiny and tiny-lckv",
      seconds: 12,
      rank: 0,
      measure: (context: PartContext) => measureText(context, text),
    },
    positions: {
      key: named("loss of tiny and tiny-lckv", positions),
      label: "perplexity by position",
      seconds: 15,
      rank: 0,
      measure: (context: PartContext) => measureText(context, positions),
    },
    passes: {
      key: `${named("loss of tiny-lckv", passes)} and ${passes.judged} judged, after ${encodings} passes`,
      label: "perplexity by passes over the prompt",
      seconds: 40,
      rank: 0,
      measure: (context: PartContext) => measurePasses(context, sizes),
    },
    passkeys: passkey.lengths.map((length, i) => ({
      length,
      part: {
        key: `passkey, ${passkey.samples} prompts of ${length} tokens at each depth of ${passkey.depths}, in ${from}, after ${passkey.encodings} passes`,
        label: `passkeys in ${length} tokens by passes over the prompt`,
        seconds: 20 * (i + 1),
        rank: Math.min(i, 1),
        measure: (context: PartContext) => measurePasskeys(context, sizes, length),
      },
    })),
  } as const;
}

/** The same in one list. */
export function partList({
  text,
  positions,
  passes,
  passkeys,
}: ReturnType<typeof lckvQualityParts>): Part<LckvQualityResult>[] {
  return [text, positions, passes, ...passkeys.map(({ part }) => part)];
}

/** Both models from the first token on, one token at a time, which is how the paper measures perplexity. */
async function measureText(
  context: PartContext,
  { windows, tokens }: { readonly windows: number; readonly tokens: number },
): Promise<TextResult> {
  const losses: number[][][] = [];
  for (const model of ["tiny", "tiny-lckv"] as const) {
    const ofModel = await withEngine(context, model, { kvCache: cache }, async (engine, signal) => {
      const ids = await heldOutIds(engine, context.settings, signal);
      const some = spread(ids, windows, tokens, context.settings.seed);
      return await measureLosses(
        engine,
        some.map((window) => forcedWindow(engine, window, 1)),
        signal,
      );
    });
    losses.push(ofModel);
    context.onProgress(losses.length / 2);
  }
  return { kind: "text", standard: losses[0]!, condensed: losses[1]! };
}

async function measurePasses(
  context: PartContext,
  { passes: { windows, tokens, judged }, encodings }: LckvQualitySizes,
): Promise<PassesResult> {
  const rows = await eachEncoding(context, encodings, async (engine, encoding, signal) => {
    const ids = await heldOutIds(engine, context.settings, signal);
    // One of the tokens is the start.
    const some = spread(ids, windows, tokens + judged - 1, context.settings.seed);
    const read = encoding === "sequential" ? 1 : tokens;
    const losses = await measureLosses(
      engine,
      some.map((window) => forcedWindow(engine, window, read)),
      signal,
    );
    return { encoding, losses: losses.map((all) => meanLoss(all.slice(-judged))) };
  });
  return { kind: "passes", rows };
}

async function measurePasskeys(
  context: PartContext,
  { passkey }: LckvQualitySizes,
  length: number,
): Promise<PasskeyResult> {
  const found = async (engine: Engine, encoding: Encoding, signal: AbortSignal) => {
    const prompts = await passkeyPrompts(engine, context.settings, { ...passkey, length }, signal);
    const encoded = encoding === "sequential" ? prompts.map(oneByOne) : prompts;
    return await measureNeedles(engine, encoded, () => ({ policy: "full" }), signal);
  };
  const standard = await withEngine(context, "tiny", { kvCache: cache, ...chunk }, (engine, signal) =>
    found(engine, 1, signal),
  );
  const rows = await eachEncoding(context, passkey.encodings, async (engine, encoding, signal) => ({
    encoding,
    found: await found(engine, encoding, signal),
  }));
  return { kind: "passkey", standard, rows };
}

/** Runs tiny-lckv with each number of passes, and then for sequential encoding. */
async function eachEncoding<T>(
  context: PartContext,
  passes: readonly number[],
  use: (engine: Engine, encoding: Encoding, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const rows: T[] = [];
  const encodings = [...passes, "sequential"] as const;
  for (const encoding of encodings) {
    context.signal.throwIfAborted();
    const options = { kvCache: cache, ...chunk, ...(encoding !== "sequential" && { passes: encoding }) };
    rows.push(
      await withEngine(context, "tiny-lckv", options, (engine, signal) => use(engine, encoding, signal)),
    );
    context.onProgress(rows.length / encodings.length);
  }
  return rows;
}

async function passkeyPrompts(
  engine: Engine,
  settings: ReproduceSettings,
  options: {
    readonly length: number;
    readonly depths: readonly number[];
    readonly samples: number;
  },
  signal: AbortSignal,
): Promise<NeedlePrompt[]> {
  const { length, depths, samples } = options;
  const ids = await heldOutIds(engine, settings, signal);
  return depths.flatMap((depth, i) =>
    Array.from({ length: samples }, (_, sample) => {
      const seed = settings.seed * 1009 + sample;
      // Fillers may overlap between prompts: what lies around a key is the same kind of text everywhere.
      const [filler] = spread(ids, 1, length, seed * 31 + i);
      return needlePrompt(engine, {
        task: "passkey",
        length,
        depth,
        keys: 1,
        question: "seen",
        filler: filler!,
        seed,
      });
    }),
  );
}

/** The same with nothing but the first token read at once. */
function oneByOne(prompt: NeedlePrompt): NeedlePrompt {
  const all = Int32Array.from([...prompt.prompt, ...prompt.continuation]);
  return { ...prompt, prompt: all.subarray(0, 1), continuation: all.subarray(1) };
}
