import { Engine } from "@kvasir/core";
import { modelPath } from "@kvasir/tiny-models";
import { expect, test } from "vitest";
import { randomIds } from "../../random-ids.ts";
import { decodeTogether } from "./decode-together.ts";

const options = { kvCache: { policy: "full" }, signal: new AbortController().signal };
const load = (stepMilliseconds: number) =>
  Engine.load({ model: modelPath("tiny"), kvCache: { memory: "64MiB" }, stepMilliseconds });
const prompts = [1, 2, 3].map((seed) => randomIds(40, 256, seed));

test.each([1, 60_000])(
  "what requests hold is that of all, however slowly prompts are read (%i ms)",
  async (ms) => {
    await using engine = await load(ms);
    const run = await decodeTogether(engine, prompts, { ...options, tokens: 16 });
    expect(run.logicalTokens).toBeGreaterThanOrEqual(3 * (40 + 4 + 16 - 1));
    expect(run.residentTokens).toBe(run.logicalTokens);
    expect(run.usedPages % 32).toBe(0);
    expect(run.usedPages / 32).toBeGreaterThanOrEqual(run.logicalTokens / 16);
    expect(run.usedPages / 32).toBeLessThanOrEqual(run.logicalTokens / 16 + 3);
    expect(run.tokensPerSecond).toBeGreaterThan(0);
    await expect.poll(() => engine.stats().running).toBe(0);
  },
);

test("more tokens than the context has room for are refused", async () => {
  await using engine = await load(60_000);
  const { maxPositions, vocabSize } = engine.info;
  const long = [1, 2, 3].map((seed) => randomIds(maxPositions - 20, vocabSize, seed));
  await expect(decodeTogether(engine, long, { ...options, tokens: 20 })).rejects.toThrow(
    /^tokens: expected so few/,
  );
  await expect.poll(() => engine.stats().running).toBe(0);
});
