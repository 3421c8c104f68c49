import { Engine } from "@kvasir/core";
import { modelPath } from "@kvasir/tiny-models";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keyNames, type NeedleOptions, needlePrompt } from "./needle-prompt.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({
    model: modelPath("tiny"),
    backend: "interpreter",
    kvCache: { memory: "4MiB" },
  });
});
afterAll(() => engine.dispose());

const filler = new Int32Array(600).fill(300);
const base = {
  task: "passkey",
  length: 256,
  depth: 0.5,
  keys: 3,
  question: "seen",
  filler,
  seed: 1,
} as const;
const textOf = (options: NeedleOptions) => {
  const { prompt, continuation } = needlePrompt(engine, options);
  return engine.tokenizer!.decode([...prompt, ...continuation]);
};

test("a passkey prompt has the form that the tiny models were trained on, and the length that was asked for", () => {
  const { prompt, continuation, answerTokens, digits } = needlePrompt(engine, base);
  expect(digits).toMatch(/^\d{5}$/);
  expect(prompt.length + continuation.length - answerTokens).toBe(256);
  const text = textOf(base);
  expect(text).toContain(`The pass key is ${digits}. Remember it. ${digits} is the pass key.\n`);
  expect(text.endsWith(`\nWhat is the pass key? The pass key is ${digits}`)).toBe(true);
  expect(engine.tokenizer!.decode(continuation.slice(-answerTokens)).trim()).toBe(digits);
});

test("a policy sees the question but for its last token before it evicts, or nothing of it", () => {
  const end = (question: "seen" | "unseen") =>
    engine.tokenizer!.decode(needlePrompt(engine, { ...base, question }).prompt.slice(-8));
  expect(end("seen")).toMatch(/The pass key$/);
  expect(end("unseen")).not.toMatch(/key/);
  expect(textOf({ ...base, question: "unseen" })).toBe(textOf(base));
});

test("the key lies at its depth", () => {
  const places = [0, 0.25, 0.5, 1].map((depth) => {
    const prompt = needlePrompt(engine, { ...base, depth }).prompt;
    // Behind the BOS, which stays in front.
    return prompt.subarray(1).findIndex((id) => id !== 300);
  });
  const room = places.at(-1)!;
  expect(room).toBeGreaterThan(128);
  expect(places).toEqual([0, Math.round(0.25 * room), Math.round(0.5 * room), room]);
});

test("several keys are all different names, and one of them is asked for, at its depth", () => {
  const options = { ...base, task: "multi-key", length: 400, depth: 1 } as const;
  const { digits } = needlePrompt(engine, options);
  const text = textOf(options);
  const told = [...text.matchAll(/The (\w+) key is (\d{5})\. Remember it/g)].map(([, name, key]) => [
    name,
    key,
  ]);
  expect(told.map(([name]) => name).toSorted()).toEqual(keyNames.slice(0, 3).toSorted());
  const asked = text.match(/What is the (\w+) key\? The \w+ key is (\d{5})$/)!;
  expect(asked[2]).toBe(digits);
  expect(told.at(-1)).toEqual([asked[1], digits]);
});

test("the same seed writes the same prompt, another seed another key", () => {
  expect(needlePrompt(engine, base)).toEqual(needlePrompt(engine, base));
  expect(needlePrompt(engine, { ...base, seed: 2 }).digits).not.toBe(needlePrompt(engine, base).digits);
});

test("a length that does not hold the keys is refused", () => {
  expect(() => needlePrompt(engine, { ...base, length: 20 })).toThrow(
    /lengths: expected at least \d+ tokens/,
  );
});
