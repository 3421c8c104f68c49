import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GgufError as GgufFileError, writeGguf } from "@kvasir/gguf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  GgufError,
  NoTokenizerError,
  TokenizerError,
  TokenizerFileError,
  UnsupportedTokenizerError,
} from "../src/errors.ts";
import { GgufTokenizer } from "../src/gguf/gguf-tokenizer.ts";
import { ggufVocabulary } from "../src/gguf/gguf-vocabulary.ts";
import { loadTokenizer } from "../src/load-tokenizer.ts";
import { PRE_TOKENIZER_NAMES } from "../src/merge/pre-tokenizer.ts";
import { BPE_ENTRIES, type Entry, SPM_ENTRIES, valuesOf, withEntry } from "./gguf-entries.ts";

const load = (entries: readonly Entry[]) => new GgufTokenizer(ggufVocabulary(valuesOf(entries)));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvasir-gguf-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function ggufFile(entries: readonly Entry[]): Promise<Buffer> {
  await writeGguf(join(folder, "sound.gguf"), { metadata: entries });
  return readFile(join(folder, "sound.gguf"));
}

const u64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

describe("a mutated GGUF file", () => {
  const change = fc.oneof(
    fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
    fc.record({
      at: fc.nat(),
      bytes: fc.constantFrom(u64(2 ** 31), u64(2n ** 64n - 1n), u64(2 ** 20), u64(0)),
    }),
  );

  it("gives a tokenizer that works, or an error of this package, and never makes large arrays", async () => {
    const files = [await ggufFile(SPM_ENTRIES), await ggufFile(BPE_ENTRIES)];
    const path = join(folder, "mutated.gguf");
    const mutated = fc.tuple(
      fc.constantFrom(...files),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0.5, max: 1 }),
    );
    const property = fc.asyncProperty(mutated, async ([file, changes, kept]) => {
      const bytes = Buffer.from(file);
      for (const { at, bytes: patch } of changes) Buffer.from(patch).copy(bytes, at % bytes.length);
      await writeFile(path, bytes.subarray(0, kept < 0.75 ? Math.floor(bytes.length * kept) : bytes.length));
      try {
        const tokenizer = await loadTokenizer(path);
        expect(tokenizer.vocabSize).toBeLessThan(file.length);
        tokenizer.decode(tokenizer.encode("hello ab <s>é"));
      } catch (error) {
        if (!(error instanceof TokenizerError)) throw error;
      }
    });
    await fc.assert(property, { numRuns: 2000 });
  });
});

describe("a vocabulary in GGUF", () => {
  it.each<[string, readonly Entry[], string, Entry?]>([
    ["no tokens", SPM_ENTRIES, "tokenizer.ggml.tokens"],
    [
      "tokens of a wrong type",
      SPM_ENTRIES,
      "tokenizer.ggml.tokens",
      ["tokenizer.ggml.tokens", Int32Array.from([1])],
    ],
    ["no scores", SPM_ENTRIES, "tokenizer.ggml.scores"],
    [
      "too few scores",
      SPM_ENTRIES,
      "tokenizer.ggml.scores",
      ["tokenizer.ggml.scores", Float32Array.from([1])],
    ],
    [
      "scores that are no numbers",
      SPM_ENTRIES,
      "tokenizer.ggml.scores",
      ["tokenizer.ggml.scores", Float32Array.from(new Array(278).fill(Number.NaN))],
    ],
    [
      "an id out of range",
      SPM_ENTRIES,
      "tokenizer.ggml.bos_token_id",
      ["tokenizer.ggml.bos_token_id", { type: "u32", value: 99999 }],
    ],
    ["no model", SPM_ENTRIES, "tokenizer.ggml.model"],
    ["no merges", BPE_ENTRIES, "tokenizer.ggml.merges"],
    ["merges without a space", BPE_ENTRIES, "tokenizer.ggml.merges", ["tokenizer.ggml.merges", ["ab"]]],
    [
      "a byte token that is no byte",
      SPM_ENTRIES,
      "tokenizer.ggml.token_type",
      ["tokenizer.ggml.token_type", Int32Array.from(new Array(278).fill(6))],
    ],
  ])("with %s is refused by the name of the key", (_, entries, key, entry) => {
    const vocabulary = withEntry(entries, key, entry);
    expect(() => load(vocabulary)).toThrow(GgufError);
    expect(() => load(vocabulary)).toThrow(/^tokenizer\.ggml\.\w+: /);
  });

  it("of an unknown kind is refused with those that are known", () => {
    const vocabulary = withEntry(SPM_ENTRIES, "tokenizer.ggml.model", ["tokenizer.ggml.model", "t5"]);
    expect(() => load(vocabulary)).toThrow(UnsupportedTokenizerError);
    expect(() => load(vocabulary)).toThrow(/"t5".*llama, gpt2/);
  });

  it("with an unknown pre-tokenizer is refused with those that are known", () => {
    const pre = (name: string) => withEntry(BPE_ENTRIES, "tokenizer.ggml.pre", ["tokenizer.ggml.pre", name]);
    expect(() => load(pre("nope"))).toThrow(/"nope".*llama-bpe/);
    for (const name of PRE_TOKENIZER_NAMES)
      expect(load(pre(name)).decode(load(pre(name)).encode("hello 123"))).toBe("hello 123");
  });

  it("adds BOS where the file or its kind says so", () => {
    const bos = (entries: readonly Entry[], value?: boolean) =>
      load(value === undefined ? entries : [...entries, ["tokenizer.ggml.add_bos_token", value]]).encode("");
    expect([[...bos(SPM_ENTRIES)], [...bos(SPM_ENTRIES, false)]]).toEqual([[1], []]);
    expect([[...bos(BPE_ENTRIES)], [...bos(BPE_ENTRIES, true)]]).toEqual([[], [265]]);
  });

  it("that wants EOS gets it at the end", () => {
    const tokenizer = load([...SPM_ENTRIES, ["tokenizer.ggml.add_eos_token", true]]);
    expect(tokenizer.encode("a").at(-1)).toBe(2);
  });

  it("cuts user-defined tokens out of any text, and special ones only where they are parsed", () => {
    const tokenizer = load(SPM_ENTRIES);
    expect([...tokenizer.encode("[user]</s>", { addSpecial: false })]).toEqual([3, 2]);
    const plain = [...tokenizer.encode("[user]</s>", { addSpecial: false, parseSpecial: false })];
    expect([plain[0], plain.includes(2)]).toEqual([3, false]);
  });

  it("of Phi-3 swallows white space after its special tokens", () => {
    const phi = withEntry(SPM_ENTRIES, "general.architecture", ["general.architecture", "phi3"]);
    const ids = load(phi).encode("</s> \n a", { addSpecial: false });
    expect(ids).toEqual(load(SPM_ENTRIES).encode("</s>a", { addSpecial: false }));
  });
});

describe("loadTokenizer", () => {
  it("reads metadata of any length", async () => {
    const path = join(folder, "long.gguf");
    await writeGguf(path, { metadata: [["filler", new Array(300_000).fill("x")], ...SPM_ENTRIES] });
    const tokenizer = await loadTokenizer(path);
    expect(tokenizer.vocabSize).toBe(278);
    expect(tokenizer.chatTemplate?.render({ messages: [{ content: "hi" }] })).toBe("<s>hi</s>");
  });

  it("refuses a file whose metadata ends early, and what is no checkpoint", async () => {
    const path = join(folder, "short.gguf");
    await writeFile(path, (await ggufFile(SPM_ENTRIES)).subarray(0, 2000));
    const error = await loadTokenizer(path).catch((error) => error);
    expect(error).toBeInstanceOf(GgufError);
    expect(error).toMatchObject({ code: "gguf_malformed", message: expect.stringContaining(path) });
    expect(error.cause).toBeInstanceOf(GgufFileError);
    expect(error.cause).toMatchObject({ code: "truncated", key: "tokenizer.ggml.tokens" });
    await writeFile(join(folder, "empty.gguf"), "");
    for (const wrong of [join(folder, "absent"), folder, import.meta.filename, join(folder, "empty.gguf")]) {
      await expect(loadTokenizer(wrong)).rejects.toThrow(TokenizerFileError);
    }
  });

  it("knows a GGUF file by its first bytes", async () => {
    const path = join(folder, "no-extension");
    await writeFile(path, await ggufFile(SPM_ENTRIES));
    expect((await loadTokenizer(path)).vocabSize).toBe(278);
  });

  it.each<[string, readonly Entry[]]>([
    ["no key of one", [["general.architecture", "llama"]]],
    ["none", [["tokenizer.ggml.model", "none"]]],
    ["no_vocab", [["tokenizer.ggml.model", "no_vocab"]]],
  ])("says of a sound file without a vocabulary (%s) that there is none", async (_, entries) => {
    const path = join(folder, "without.gguf");
    await writeGguf(path, { metadata: entries });
    const error = await loadTokenizer(path).catch((error) => error);
    expect(error).toBeInstanceOf(NoTokenizerError);
    expect(error).toMatchObject({ code: "tokenizer_missing", message: expect.stringContaining(path) });
  });
});
