import { describe, expect, test } from "vitest";
import { Engine, type EngineOptions } from "../src/index.ts";
import { checkpoint, recordedPrompt, tiny, tinyLckv } from "./checkpoints.ts";

const maxTokens = 24;
const lengths = [80, 1, 7, 16, 17, 40, 63, 3];

/** Eight prompts of unequal lengths; the first is the recorded one. */
function prompts(folder: string): number[][] {
  const recorded = recordedPrompt(folder);
  return lengths.map((length, i) =>
    Array.from({ length }, (_, j) => recorded[(i * 11 + j * (i === 0 ? 1 : 3)) % recorded.length]!),
  );
}

async function greedy(options: EngineOptions, batch: readonly number[][], together: boolean) {
  await using engine = await Engine.load({ integrity: "step", ...options });
  const ask = (prompt: number[]) =>
    engine.complete({ prompt, maxTokens, temperature: 0, ignoreEos: true, logprobs: 3 });
  const answers = [];
  if (together) answers.push(...(await Promise.all(batch.map(ask))));
  else for (const prompt of batch) answers.push(await ask(prompt));
  if (together) expect(engine.stats().steps).toBeLessThan(batch.length * maxTokens);
  return answers.map(({ ids, logprobs }) => ({ ids, logprobs: logprobs!.map(({ logprob }) => logprob) }));
}

describe.each<[string, Pick<EngineOptions, "model" | "weights">]>([
  ["tiny", { model: tiny }],
  ["tiny in q8_0", { model: tiny, weights: "q8_0" }],
  ["tiny in q4_0", { model: tiny, weights: "q4_0" }],
  ["llama-gqa", { model: checkpoint("llama-gqa") }],
  ["yoco", { model: checkpoint("yoco") }],
])("%s", (_, loaded) => {
  test.each<[string, Partial<EngineOptions>, boolean]>([
    ["in a batch of 8", {}, true],
    ["in chunks of 1", { chunkTokens: 1 }, false],
    ["in chunks of 16", { chunkTokens: 16 }, false],
    ["in a batch, steps of 24 tokens", { stepTokens: 24 }, true],
    ["with 1 thread", { threads: 1 }, false],
    ["with 2 threads, in a batch", { threads: 2 }, true],
  ])("greedy ids %s are those of each prompt alone and whole", async (_name, options, together) => {
    const batch = prompts(loaded.model);
    const kvCache = { memory: "64MiB" } as const;
    const alone = await greedy({ ...loaded, kvCache }, batch, false);
    // Log-probabilities too: every bit is the same.
    expect(await greedy({ ...loaded, kvCache, ...options }, batch, together)).toEqual(alone);
  });

  // Pages of another size are sums in another order, which rounding rows to 8 bits makes visible.
  test.skipIf(loaded.weights)(
    "greedy ids with pages of 32 slots are those with 16 (float weights only)",
    async () => {
      const batch = prompts(loaded.model);
      const ids = async (pageTokens: 16 | 32) =>
        (await greedy({ ...loaded, kvCache: { memory: "64MiB", pageTokens } }, batch, false)).map(
          (answer) => answer.ids,
        );
      expect(await ids(32)).toEqual(await ids(16));
    },
  );
});

describe.each([
  ["tiny-lckv", tinyLckv],
  ["lckv-w2", checkpoint("lckv-w2")],
  ["lckv-w2-nodiag", checkpoint("lckv-w2-nodiag")],
])("%s, whose prompts depend on where they are cut", (_, model) => {
  test.each<[string, Partial<EngineOptions>]>([
    ["in a batch of 8", {}],
    ["in a batch of 8 with 2 threads", { threads: 2 }],
    ["in a batch of 8, steps of 30 tokens", { stepTokens: 30 }],
  ])("greedy ids %s are those of each prompt alone with the same chunks", async (_name, options) => {
    const batch = prompts(model);
    const same = { model, chunkTokens: 24, kvCache: { memory: "64MiB" } } as const;
    expect(await greedy({ ...same, ...options }, batch, true)).toEqual(
      await greedy({ ...same, threads: 1 }, batch, false),
    );
  });

  test("with as many passes as a chunk has tokens, chunks of 1, 16 and all agree", async () => {
    const batch = prompts(model);
    const exact = { model, passes: 80, kvCache: { memory: "64MiB" } } as const;
    const ids = async (chunkTokens: number) =>
      (await greedy({ ...exact, chunkTokens }, batch, false)).map((answer) => answer.ids);
    const whole = await ids(512);
    expect(await ids(1)).toEqual(whole);
    expect(await ids(16)).toEqual(whole);
  });
});
