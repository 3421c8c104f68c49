import { expect, test } from "vitest";
import { Engine } from "../src/index.ts";
import { checkpoint, recordedPrompt, tiny } from "./checkpoints.ts";

const kvCache = { memory: "8MiB" } as const;

test.each([
  ["tiny", tiny],
  ["llama-gqa", checkpoint("llama-gqa")],
])(
  "%s: a vector is the same alone, in a batch, in chunks and beside generation, for both ways to pool",
  async (_, model) => {
    const prompts = [1, 2, 17, 60].map((length) => recordedPrompt(model).slice(0, length));
    const requests = prompts.flatMap((prompt) => [
      { prompt },
      { prompt, pooling: "last", normalize: false } as const,
    ]);
    await using alone = await Engine.load({ model, kvCache, prefixCache: false });
    const expected = [];
    for (const request of requests) expected.push(await alone.embed(request));
    await using engine = await Engine.load({ model, kvCache, stepTokens: 24, integrity: "step" });
    const generate = { prompt: prompts[3]!, maxTokens: 12, temperature: 0, ignoreEos: true } as const;
    const ids = (await engine.complete(generate)).ids;
    const [answer, ...vectors] = await Promise.all([
      engine.complete(generate),
      ...requests.map((request) => engine.embed(request)),
    ]);
    expect(answer.ids).toEqual(ids);
    expect(vectors).toEqual(expected);
    const { vector, promptTokens } = vectors[6]!;
    expect(promptTokens).toBe(prompts[3]!.length);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(engine.stats()).toMatchObject({ running: 0, usedPages: 0, generatedTokens: 24 });
  },
);

test("what is wrong with a request for a vector is named", async () => {
  await using engine = await Engine.load({ model: tiny, kvCache });
  const wrong = (fields: object) => engine.embed({ prompt: "a", ...fields } as never);
  await expect(wrong({ pooling: "max" })).rejects.toMatchObject({
    code: "invalid-request",
    param: "pooling",
  });
  await expect(wrong({ maxTokens: 3 })).rejects.toMatchObject({ param: "maxTokens" });
  await expect(wrong({ normalize: 1 })).rejects.toMatchObject({ param: "normalize" });
  await expect(engine.embed({ prompt: new Int32Array(2000).fill(5) })).rejects.toMatchObject({
    code: "context-length-exceeded",
  });
  expect((await engine.embed({ prompt: "a word" })).vector).toHaveLength(256);
});

test("log-probabilities of a prompt are those that scoring gives, whatever is cached", async () => {
  await using engine = await Engine.load({ model: tiny, kvCache, stepTokens: 24, integrity: "step" });
  const prompt = recordedPrompt(tiny).slice(0, 50);
  const first = await engine.generate({ prompt, maxTokens: 3, temperature: 0, promptLogprobs: 2 }).next();
  const judged = first.value!.promptLogprobs!;
  expect(judged.map(({ id }) => id)).toEqual(prompt.slice(1));
  expect(judged[0]!.top).toHaveLength(2);
  const scored: number[] = [];
  for await (const { logprob } of engine.score({ prompt: prompt.slice(0, 1), continuation: prompt.slice(1) }))
    scored.push(logprob);
  expect(judged.map(({ logprob }) => logprob)).toEqual(scored);
  const again = await engine.generate({ prompt, maxTokens: 3, temperature: 0, promptLogprobs: 2 }).next();
  expect(again.value!.promptLogprobs).toEqual(judged);
});
