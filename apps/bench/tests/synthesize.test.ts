import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Engine } from "@kvasir/core";
import { readGguf } from "@kvasir/gguf";
import { loadModel, openDevice } from "@kvasir/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { CheckpointRunner } from "../src/checkpoint-runner.ts";
import type { SynthesizedType } from "../src/synthesize/encode-numbers.ts";
import type { ModelShapeName } from "../src/synthesize/model-shape.ts";
import { synthesize } from "../src/synthesize/synthesize.ts";

const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-synthesize-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const made = new Map<string, Promise<string>>();
/** A file of that shape and type, written once. */
function fileOf(shape: ModelShapeName, weights: SynthesizedType, seed = 1): Promise<string> {
  const out = path.join(scratch, `${shape}-${weights}-${seed}.gguf`);
  const file = made.get(out) ?? synthesize({ shape, weights, out, seed }).then(() => out);
  made.set(out, file);
  return file;
}

async function logitsAfter(model: string, ids: readonly number[]): Promise<Float32Array> {
  using device = openDevice({ backend: "interpreter" });
  using loaded = await loadModel(model, { device });
  using runner = new CheckpointRunner(loaded, ids.length);
  return runner.logits(Int32Array.from(ids), Int32Array.of(ids.length - 1));
}

function entropy(logits: Float32Array): number {
  const largest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - largest));
  const sum = weights.reduce((a, b) => a + b, 0);
  return -weights.reduce((total, weight) => total + (weight / sum) * Math.log(weight / sum), 0);
}

describe.each<[ModelShapeName, SynthesizedType]>([
  ["tiny", "f32"],
  ["tiny", "f16"],
  ["tiny", "bf16"],
  ["tiny", "q8_0"],
  ["tiny", "q4_0"],
  ["tiny", "q4_k"],
  ["tiny-qwen2", "q8_0"],
  ["tiny-qwen3", "q8_0"],
])("a synthesized file of shape %s and type %s", (shape, weights) => {
  it("gives next-token distributions that are neither certain nor even", async () => {
    const logits = await logitsAfter(await fileOf(shape, weights), [1, 300, 301, 302, 303]);
    expect(logits).toHaveLength(512);
    expect(entropy(logits)).toBeGreaterThan(1);
    expect(entropy(logits)).toBeLessThan(Math.log(512) - 0.5);
  });

  it("has its matrices in that type and the rest in f32", async () => {
    const { tensors } = await readGguf(await fileOf(shape, weights));
    for (const { name, type, shape: sizes } of tensors.values()) {
      expect([name, type]).toEqual([name, sizes.length === 1 ? "F32" : weights.toUpperCase()]);
    }
  });
});

it("types of one seed hold the same numbers, but for their rounding", async () => {
  const exact = await logitsAfter(await fileOf("tiny", "f32"), [1, 300]);
  for (const [type, allowed] of [
    ["f16", 0.02],
    ["bf16", 0.2],
    ["q8_0", 0.3],
  ] as const) {
    const rounded = await logitsAfter(await fileOf("tiny", type), [1, 300]);
    const largest = Math.max(...rounded.map((logit, i) => Math.abs(logit - exact[i]!)));
    expect([type, largest < allowed]).toEqual([type, true]);
  }
});

it("a seed decides every byte", async () => {
  const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
  const again = path.join(scratch, "again.gguf");
  await synthesize({ shape: "tiny", weights: "q4_k", out: again, seed: 1 });
  expect(digest(again)).toBe(digest(await fileOf("tiny", "q4_k")));
  expect(digest(await fileOf("tiny", "q4_k", 2))).not.toBe(digest(again));
});

it("the made-up vocabulary gives every text back", async () => {
  await using engine = await Engine.load({ model: await fileOf("tiny", "q8_0"), backend: "interpreter" });
  for (const text of ["abba", "Grüße, 世界!\n", ""]) {
    const ids = engine.tokenizer!.encode(text, { addSpecial: false });
    expect(engine.tokenizer!.decode(ids)).toBe(text);
  }
});

it("a vocabulary is copied from another file, and the model takes its size", async () => {
  const out = path.join(scratch, "copied.gguf");
  const from = await fileOf("tiny-qwen2", "q8_0");
  await synthesize({ shape: "tiny", weights: "q8_0", out, seed: 1, vocab: from });
  const [copy, original] = [await readGguf(out), await readGguf(from)];
  for (const [key, value] of original.metadata) {
    if (key.startsWith("tokenizer.")) expect(copy.metadata.get(key)).toEqual(value);
  }
  expect(copy.tensors.get("token_embd.weight")!.shape).toEqual([512, 256]);
});
