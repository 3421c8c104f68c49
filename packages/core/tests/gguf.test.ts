import { cpuLevels } from "@kvasir/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Engine, type EngineOptions, type LoadProgress } from "../src/index.ts";
import { tiny } from "./checkpoints.ts";
import { writeTinyGguf } from "./tiny-gguf.ts";

const kvCache = { memory: "32MiB", dtype: "f32" } as const;
const prompts = ["Once upon a time", "The old man said that 12 ships\nwould come.", "“Why?”", "a"];

type Written = Awaited<ReturnType<typeof writeTinyGguf>>;
let file: Written;
let tied: Written;
beforeAll(async () => {
  file = await writeTinyGguf("F32");
  tied = await writeTinyGguf("Q8_0");
});
afterAll(() => {
  file[Symbol.dispose]();
  tied[Symbol.dispose]();
});

async function greedy(options: Partial<EngineOptions>) {
  await using engine = await Engine.load({ model: tiny, kvCache, ...options });
  const normal = { maxTokens: 32, temperature: 0, logprobs: 0 } as const;
  const answers = [];
  for (const prompt of prompts) answers.push(await engine.complete({ prompt, ...normal }));
  const messages = [{ role: "user", content: "It was a dark night." }] as const;
  answers.push(await engine.complete({ messages, ...normal }));
  return answers.map(({ text, ids, logprobs, usage }) => ({
    text,
    ids,
    promptTokens: usage.promptTokens,
    logprobs: logprobs!.map(({ logprob }) => logprob),
  }));
}

/** The levels that are fast; where none loads, the interpreter. */
const native = cpuLevels().filter((cpu) => cpu !== "reference");
const levels: (Partial<EngineOptions> & { name: string })[] =
  native.length > 0
    ? native.map((cpu) => ({ name: `cpu ${cpu}`, backend: "native", cpu }))
    : [{ name: "the interpreter", backend: "interpreter" }];

test.each(levels)(
  "on $name a GGUF file in Q8_0 predicts what its folder in q8_0 does",
  async ({ name: _, ...device }) => {
    const fromFolder = await greedy({ ...device, weights: "q8_0" });
    const fromFile = await greedy({ ...device, model: file.path });
    for (const [i, { ids, logprobs, promptTokens }] of fromFile.entries()) {
      const folder = fromFolder[i]!;
      expect(promptTokens).toBe(folder.promptTokens);
      // The order of a head's pairs differs, so sums may, and with them here and there an 8-bit rounding: two
      // tokens that are as likely as each other may change places, and texts go apart from there.
      const apart = ids.findIndex((id, j) => id !== folder.ids[j]);
      const common = apart < 0 ? ids.length : apart + 1;
      for (let j = 0; j < common; j++)
        expect(Math.abs(logprobs[j]! - folder.logprobs[j]!)).toBeLessThan(0.05);
    }
  },
);

test("info says the format and the bytes of the weights", async () => {
  await using engine = await Engine.load({ model: tied.path, kvCache });
  expect(engine.info).toMatchObject({ model: "tiny.gguf", family: "llama", weightDtypes: ["q8_0"] });
  // Table and packed head, and the matrices of 8 layers, in about 34 bytes for 32 weights.
  const { weightBytes } = engine.info;
  const weights = 2 * 4096 * 256 + 8 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 256 * 704);
  expect(weightBytes / weights).toBeGreaterThan(1.06);
  expect(weightBytes / weights).toBeLessThan(1.2);
  await using float = await Engine.load({ model: tiny, kvCache });
  expect(float.info.weightDtypes).toEqual(["bf16"]);
});

test("a GGUF file ends at the tokens that its vocabulary names, too", async () => {
  await using engine = await Engine.load({ model: tied.path, kvCache });
  // `<|im_end|>`, which no key names.
  expect(engine.tokenizer!.eosIds).toEqual([1, 4]);
  const end = { prompt: "Once", maxTokens: 4, temperature: 0, logitBias: { 4: 100 } };
  const { finishReason, ids } = await engine.complete(end);
  expect([finishReason, ids.length]).toEqual(["stop", 1]);
});

test("a GGUF file without a vocabulary, known by its first bytes, takes ids and gives ids", async () => {
  using file = await writeTinyGguf("Q8_0", "none");
  await using engine = await Engine.load({ model: file.path, kvCache });
  expect(engine.tokenizer).toBeUndefined();
  await using withText = await Engine.load({ model: tied.path, kvCache });
  const request = { prompt: withText.tokenizer!.encode("Once upon"), maxTokens: 4, temperature: 0 };
  expect((await engine.complete(request)).ids).toEqual((await withText.complete(request)).ids);
  // The key of the end is the model's, not the vocabulary's.
  const end = { ...request, logitBias: { 1: 100 } };
  expect((await engine.complete(end)).finishReason).toBe("stop");
  await expect(engine.complete({ prompt: "text" })).rejects.toMatchObject({ code: "invalid-request" });
});

test("progress ends at all bytes, and an aborted load gives its reason", async () => {
  const seen: LoadProgress[] = [];
  await using engine = await Engine.load({
    model: file.path,
    kvCache,
    onLoadProgress: (progress) => seen.push(progress),
  });
  expect(seen.length).toBeGreaterThan(8 * 7);
  expect(seen.at(-1)!.bytesDone).toBe(seen[0]!.bytesTotal);
  expect(engine.info.weightBytes).toBeGreaterThan(0);
  const controller = new AbortController();
  const reason = new Error("not this one");
  const options = { signal: controller.signal, onLoadProgress: () => controller.abort(reason) };
  await expect(Engine.load({ model: file.path, kvCache, ...options })).rejects.toBe(reason);
});

test("weights that do not fit, or are there already, are typed errors that name the tensor", async () => {
  await expect(Engine.load({ model: tiny, kvCache, weights: "q4_k" })).rejects.toMatchObject({
    name: "ModelError",
    code: "invalid-option",
    message: expect.stringMatching(/down_proj\.weight" has rows of 704, expected a multiple of 256/),
  });
  await expect(Engine.load({ model: file.path, kvCache, weights: "q8_0" })).rejects.toThrow(
    "is q8_0 already",
  );
  await expect(Engine.load({ model: `${tiny}/config.json` })).rejects.toMatchObject({
    name: "CheckpointError",
    code: "not-a-directory",
  });
});
