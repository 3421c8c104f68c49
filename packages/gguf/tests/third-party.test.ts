import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readGguf } from "../src/index.ts";

const folder = fileURLToPath(new URL("../../../../shared/third-party/vocab", import.meta.url));
const absent = !existsSync(folder);
const reason = absent ? " (skipped: ../shared/third-party is not here)" : "";

describe.skipIf(absent)(`published vocabularies${reason}`, () => {
  it.each([
    ["gpt-2", "gpt2", 50257, { merges: 50000 }],
    ["llama-spm", "llama", 32000, { scores: 32000 }],
    ["mpt", "mpt", 50432, { merges: 50009 }],
    ["phi-3", "phi3", 32064, { scores: 32064 }],
    ["starcoder", "starcoder2", 49152, { merges: 48872 }],
  ])("%s is read whole, and in part", async (name, architecture, tokens, other) => {
    const path = `${folder}/${name}.gguf`;
    const { metadata, tensors, size } = await readGguf(path);
    expect([metadata.get("general.architecture"), tensors.size, size]).toEqual([
      architecture,
      0,
      statSync(path).size,
    ]);
    const list = metadata.get("tokenizer.ggml.tokens") as string[];
    expect([list.length, list.every((token) => typeof token === "string")]).toEqual([tokens, true]);
    expect(metadata.get("tokenizer.ggml.token_type")).toBeInstanceOf(Int32Array);
    for (const [key, length] of Object.entries(other)) {
      expect(metadata.get(`tokenizer.ggml.${key}`)).toHaveLength(length);
    }
    const few = await readGguf(path, { keys: (key) => key.endsWith(".block_count") });
    expect([...few.metadata]).toEqual([...metadata].filter(([key]) => key.endsWith(".block_count")));
  });
});
