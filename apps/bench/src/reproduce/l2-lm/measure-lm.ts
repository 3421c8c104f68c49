import { measureTexts } from "../../quality/measure-texts.ts";
import { startIds } from "../../quality/prompt-text.ts";
import type { PartContext } from "../figure.ts";
import { heldOutIds } from "../held-out-text.ts";
import { highestNorm } from "../l2-norm/highest-norm.ts";
import { l2Configurations, noGuards } from "../l2-norm/l2-choices.ts";
import { type TextGroup, textStretches } from "../l2-norm/text-stretches.ts";
import { withEngine } from "../with-engine.ts";
import type { LmResult } from "./lm-result.ts";

export type LmSizes = {
  readonly windows: number;
  /** Tokens of a window that are read at once, and that are decoded by force and judged. */
  readonly prompt: number;
  readonly tokens: number;
  readonly shares: readonly number[];
  readonly protect: readonly (readonly number[])[];
};

/** Loss of `tiny` under every configuration, on the same windows. */
export async function measureLm(
  context: PartContext,
  group: TextGroup,
  { windows, prompt, tokens, shares, protect }: LmSizes,
): Promise<LmResult> {
  const configurations = l2Configurations(shares, protect);
  const options = { policies: [highestNorm], maxRunning: windows, kvCache: { memory: "64MiB" } };
  return await withEngine(context, "tiny", options, async (engine, signal) => {
    const start = startIds(engine);
    // The first token of a continuation is judged before anything is evicted, and does not count.
    const length = prompt + tokens + 1 - start.length;
    const ids = await heldOutIds(engine, context.settings, signal);
    const texts = textStretches(ids, { ...group, count: windows, length, apart: tokens });
    const whole = texts.map((text) => Int32Array.from([...start, ...text]));
    let done = 0;
    const runs = await measureTexts(
      engine,
      {
        windows: whole.map((text) => ({
          prompt: text.subarray(0, prompt),
          continuation: text.subarray(prompt),
        })),
        first: group.group * windows,
        configurations,
        settings: noGuards(context.settings.seed),
        batch: windows,
        signal,
      },
      async (_, __, run) => {
        signal.throwIfAborted();
        const result = await run();
        context.onProgress(++done / configurations.length);
        return result;
      },
    );
    return {
      prompt,
      tokens,
      runs: runs.map(({ samples }, i) => ({
        ...configurations[i]!,
        losses: samples.map(({ loss }) => loss),
        residentTokens: samples.map(({ residentTokens }) => residentTokens),
      })),
    };
  });
}
