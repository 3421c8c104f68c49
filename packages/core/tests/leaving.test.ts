import { expect, test } from "vitest";
import { Engine, type GenerateRequest } from "../src/index.ts";
import { recordedPrompt, tiny } from "./checkpoints.ts";

const recorded = recordedPrompt(tiny);
const prompt = (length: number, step: number) =>
  Array.from({ length }, (_, i) => recorded[(i * step) % recorded.length]!);
const other: GenerateRequest = { prompt: prompt(20, 1), maxTokens: 60, temperature: 0, ignoreEos: true };

/** Lets the engine go on until a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test.each([
  ["while it waits", { maxRunning: 1 }, (engine: Engine) => engine.stats().waiting === 1],
  ["while its prompt is read", { stepTokens: 8 }, (engine: Engine) => engine.stats().logicalTokens > 60],
  ["while it is answered", {}, (engine: Engine) => engine.stats().generatedTokens > 12],
] as const)(
  "whoever leaves %s gives its pages back within one step, and nobody else's answer changes",
  async (_, limits, isThere) => {
    for (const prefixCache of [true, false]) {
      await using engine = await Engine.load({
        model: tiny,
        ...limits,
        prefixCache,
        integrity: "step",
        onWarning: (text) => expect.fail(text),
        kvCache: { memory: "8MiB" },
      });
      const expected = (await engine.complete(other)).ids;
      engine.resetCache();
      const controller = new AbortController();
      const staying = engine.complete(other);
      const leaving = engine.complete({
        prompt: prompt(400, 3),
        maxTokens: 400,
        temperature: 0,
        ignoreEos: true,
        signal: controller.signal,
      });
      const left = expect(leaving).rejects.toBe("gone");
      const { generatedTokens } = engine.stats();
      await until(() => isThere(engine) && engine.stats().generatedTokens - generatedTokens < 200);
      controller.abort("gone");
      const { steps } = engine.stats();
      await left;
      await until(() => engine.stats().running <= 1 && engine.stats().waiting === 0);
      expect(engine.stats().steps - steps).toBeLessThanOrEqual(1);
      // What is in use is the other's alone.
      const heads = engine.info.kvLayers * engine.info.kvHeads;
      expect(engine.stats().usedPages).toBeLessThanOrEqual(heads * Math.ceil(81 / 16));
      expect((await staying).ids).toEqual(expected);
      expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
    }
  },
);
