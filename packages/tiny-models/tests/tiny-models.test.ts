import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { modelPath, type TinyModel, tinyModels } from "../src/index.ts";

const files = [
  "config.json",
  "expected.json",
  "expected.safetensors",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

const weights: Record<TinyModel, string> = {
  tiny: "66fcc9b19b87d8ec323ade811ee875bce4537e74bac8be036189b6f7f6a88a55",
  "tiny-lckv": "73974952a5a3d3eb119805d9a13b076eff910a838c1f35fdb031c93c5509f649",
};

const json = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, "utf8"));

describe.each(tinyModels)("%s", (model) => {
  const at = (file: string) => join(modelPath(model), file);

  it("has every file of the Hugging Face layout and its recorded results", () => {
    expect(readdirSync(modelPath(model)).sort()).toEqual(files);
  });

  it("has the weights that the results were recorded with", () => {
    const digest = createHash("sha256")
      .update(readFileSync(at("model.safetensors")))
      .digest("hex");
    expect(digest).toBe(weights[model]);
  });

  it.each(["model.safetensors", "expected.safetensors"])("%s ends where its header says", (file) => {
    const bytes = readFileSync(at(file));
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    const header: Record<string, { data_offsets?: [number, number] }> = JSON.parse(
      bytes.toString("utf8", 8, 8 + headerBytes),
    );
    const end = Math.max(...Object.values(header).map((tensor) => tensor.data_offsets?.[1] ?? 0));
    expect(8 + headerBytes + end).toBe(statSync(at(file)).size);
  });

  it("has a tokenizer whose ids fit the vocabulary and recorded ids within it", () => {
    const vocabSize = json(at("config.json")).vocab_size as number;
    const { model: bpe } = json(at("tokenizer.json")) as { model: { vocab: Record<string, number> } };
    const { prompt, greedy } = json(at("expected.json")) as { prompt: number[]; greedy: number[] };
    expect(Math.max(...Object.values(bpe.vocab), ...prompt, ...greedy)).toBeLessThan(vocabSize);
    expect(prompt.length).toBeGreaterThan(0);
    expect(greedy.length).toBeGreaterThan(0);
  });
});

it("differ in their layer map alone", () => {
  const { layer_types, ...lckv } = json(join(modelPath("tiny-lckv"), "config.json"));
  expect(layer_types).toBe("0_6_6_6_6_6_6_7");
  const standard = json(join(modelPath("tiny"), "config.json"));
  for (const key of ["hidden_size", "num_hidden_layers", "vocab_size"]) expect(lckv[key]).toBe(standard[key]);
});

it("refuses a model that is not there, and a path in its place", () => {
  expect(() => modelPath("../../runtime" as TinyModel)).toThrow(RangeError);
});
