import { Engine } from "@kvasir/core";
import { modelPath } from "@kvasir/tiny-models";
import { expect, test } from "vitest";
import { randomIds } from "../../random-ids.ts";
import { decodeTogether } from "./decode-together.ts";

test("what requests hold is that of all of them together, and a run without such a moment is refused", async () => {
  await using engine = await Engine.load({ model: modelPath("tiny"), kvCache: { memory: "32MiB" } });
  const options = { kvCache: { policy: "full" }, signal: new AbortController().signal };
  const prompts = [1, 2, 3].map((seed) => randomIds(32, engine.info.vocabSize, seed));
  const { logicalTokens, residentTokens, usedPages, tokensPerSecond } = await decodeTogether(
    engine,
    prompts,
    {
      ...options,
      tokens: 16,
    },
  );
  // The last moment before one of them was done.
  expect(logicalTokens).toBeGreaterThan(3 * (32 + 4));
  expect(logicalTokens).toBeLessThanOrEqual(3 * (32 + 16));
  expect(residentTokens).toBe(logicalTokens);
  expect(usedPages).toBe(3 * 3 * 32);
  expect(tokensPerSecond).toBeGreaterThan(0);
  await expect(decodeTogether(engine, prompts, { ...options, tokens: 2 })).rejects.toThrow(
    /tokens: expected more/,
  );
});
