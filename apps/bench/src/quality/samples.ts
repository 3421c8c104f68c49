import type { Engine } from "@kvasir/core";
import type { TextWindow } from "./measure-windows.ts";
import { type NeedlePrompt, needlePrompt, needleTasks } from "./needle-prompt.ts";
import { type PromptText, startIds } from "./prompt-text.ts";
import type { QualitySettings } from "./quality-settings.ts";

/** Tokens that an answer takes at most, and some more. */
const answerRoom = 16;

function requireAtMost(field: string, tokens: number, most: number): void {
  if (tokens > most) {
    throw new RangeError(`${field}: expected at most ${most} tokens of this model, received ${tokens}`);
  }
}

/** Windows of a text; the first token of a continuation is not judged, so it has one more than `tokens`. */
export async function textWindows(
  engine: Engine,
  text: PromptText,
  { windows, prompt, tokens }: Pick<QualitySettings, "windows" | "prompt" | "tokens">,
): Promise<TextWindow[]> {
  requireAtMost("prompt and tokens", prompt + tokens, engine.info.maxPositions - 1);
  const start = startIds(engine);
  const length = prompt + tokens + 1 - start.length;
  return (await text.take(windows, length)).map((ids) => {
    const all = Int32Array.from([...start, ...ids]);
    return { prompt: all.subarray(0, prompt), continuation: all.subarray(prompt) };
  });
}

/** Needle prompts, all with a filler of their own, so that they do not depend on each other. */
export async function needlePrompts(
  engine: Engine,
  text: PromptText,
  { lengths, depths, samples, keys, question, seed }: QualitySettings,
): Promise<NeedlePrompt[]> {
  requireAtMost("lengths", Math.max(...lengths), engine.info.maxPositions - answerRoom);
  const places = lengths.flatMap((length) =>
    depths.flatMap((depth) => Array.from({ length: samples }, (_, sample) => ({ length, depth, sample }))),
  );
  const fillers = await text.take(places.length, Math.max(...lengths));
  return needleTasks.flatMap((task) =>
    places.map(({ length, depth, sample }, i) =>
      needlePrompt(engine, {
        task,
        length,
        depth,
        keys,
        question,
        filler: fillers[i]!,
        seed: seed * 1009 + sample,
      }),
    ),
  );
}
