import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GgufError, TokenizerError, TokenizerFileError, UnsupportedTokenizerError } from "../src/errors.ts";
import { parseGgufMetadata } from "../src/gguf/gguf-metadata.ts";
import { GgufTokenizer } from "../src/gguf/gguf-tokenizer.ts";
import { ggufVocabulary, isVocabularyKey } from "../src/gguf/gguf-vocabulary.ts";
import { loadTokenizer } from "../src/load-tokenizer.ts";
import { PRE_TOKENIZER_NAMES } from "../src/merge/pre-tokenizer.ts";
import { BPE_ENTRIES, type Entry, ggufFile, SPM_ENTRIES, u64, withEntry } from "./gguf-file.ts";

const parse = (bytes: Uint8Array) => parseGgufMetadata(bytes, () => true).values;
const load = (bytes: Uint8Array) =>
  new GgufTokenizer(ggufVocabulary(parseGgufMetadata(bytes, isVocabularyKey)));

describe("GGUF metadata", () => {
  it("reads every kind of value", () => {
    const entries: Entry[] = [
      ["s", "string", "né"],
      ["u", "u32", 7],
      ["b", "bool", true],
      ["f", "f32s", [0.5, -1]],
      ["i", "i32s", [1, 2]],
      ["t", "strings", ["a", ""]],
    ];
    expect(Object.fromEntries(parse(ggufFile(entries)))).toEqual({
      s: "né",
      u: 7,
      b: true,
      f: [0.5, -1],
      i: [1, 2],
      t: ["a", ""],
    });
  });

  it("passes over what is not wanted, nested arrays included", () => {
    const file = ggufFile([
      ["n", "nested", [[1], [2, 3]]],
      ["t", "strings", ["a"]],
      ["u", "u32", 7],
    ]);
    expect([...parseGgufMetadata(file, (key) => key === "u").values]).toEqual([["u", 7]]);
  });

  it.each([
    ["another magic", Buffer.from("GGML0000000000000000000000")],
    ["version 1", ggufFile([], { version: 1 })],
    ["big-endian", ggufFile([], { version: 0x03000000 })],
    ["more entries than fit", ggufFile([], { count: 2n ** 63n })],
    [
      "a key twice",
      ggufFile([
        ["a", "u32", 1],
        ["a", "u32", 2],
      ]),
    ],
    ["nested arrays where plain ones are wanted", ggufFile([["n", "nested", [[1]]]])],
    ["a string longer than the file", Buffer.concat([ggufFile([], { count: 1 }), u64(2 ** 40)])],
    [
      "an unknown value type",
      Buffer.concat([
        ggufFile([], { count: 1 }),
        u64(1),
        Buffer.from("a"),
        Buffer.from([99, 0, 0, 0]),
        u64(0),
      ]),
    ],
    [
      "text that is not UTF-8",
      Buffer.concat([ggufFile([], { count: 1 }), u64(3), Buffer.from([0xf0, 0x9f, 0x98]), u64(0), u64(0)]),
    ],
  ])("refuses %s", (_, file) => {
    expect(() => parse(file)).toThrow(GgufError);
  });

  it("refuses a length that no file could have, before it allocates", () => {
    const file = ggufFile([["t", "strings", ["a"]]]);
    for (const count of [2n ** 32n, 2n ** 40n, 2n ** 61n, 2n ** 64n - 1n]) {
      const hostile = Buffer.from(file);
      hostile.writeBigUInt64LE(count, file.length - 17);
      expect(() => parse(hostile)).toThrow(/does not fit/);
    }
  });

  it("refuses every truncation", () => {
    const file = ggufFile(SPM_ENTRIES);
    for (let length = 0; length < file.length; length += 1 + (length >> 4)) {
      expect(() => parse(file.subarray(0, length))).toThrow(GgufError);
    }
  });
});

describe("a mutated GGUF file", () => {
  const files = [ggufFile(SPM_ENTRIES), ggufFile(BPE_ENTRIES)];
  const change = fc.oneof(
    fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
    fc.record({
      at: fc.nat(),
      bytes: fc.constantFrom(u64(2 ** 31), u64(2n ** 64n - 1n), u64(2 ** 20), u64(0)),
    }),
  );

  it("gives a tokenizer that works, or an error of this package, and never makes large arrays", () => {
    const mutated = fc.tuple(
      fc.constantFrom(...files),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0.5, max: 1 }),
    );
    const property = fc.property(mutated, ([file, changes, kept]) => {
      const bytes = Buffer.from(file);
      for (const { at, bytes: patch } of changes) Buffer.from(patch).copy(bytes, at % bytes.length);
      const cut = bytes.subarray(0, kept < 0.75 ? Math.floor(bytes.length * kept) : bytes.length);
      try {
        const tokenizer = load(cut);
        expect(tokenizer.vocabSize).toBeLessThan(file.length);
        tokenizer.decode(tokenizer.encode("hello ab <s>é"));
      } catch (error) {
        if (!(error instanceof TokenizerError)) throw error;
      }
    });
    fc.assert(property, { numRuns: 3000 });
  });
});

describe("a vocabulary in GGUF", () => {
  it.each<[string, readonly Entry[], string, Entry?]>([
    ["no tokens", SPM_ENTRIES, "tokenizer.ggml.tokens"],
    ["tokens of a wrong type", SPM_ENTRIES, "tokenizer.ggml.tokens", ["tokenizer.ggml.tokens", "i32s", [1]]],
    ["no scores", SPM_ENTRIES, "tokenizer.ggml.scores"],
    ["too few scores", SPM_ENTRIES, "tokenizer.ggml.scores", ["tokenizer.ggml.scores", "f32s", [1]]],
    [
      "scores that are no numbers",
      SPM_ENTRIES,
      "tokenizer.ggml.scores",
      ["tokenizer.ggml.scores", "f32s", new Array(278).fill(Number.NaN)],
    ],
    [
      "an id out of range",
      SPM_ENTRIES,
      "tokenizer.ggml.bos_token_id",
      ["tokenizer.ggml.bos_token_id", "u32", 99999],
    ],
    ["no model", SPM_ENTRIES, "tokenizer.ggml.model"],
    ["no merges", BPE_ENTRIES, "tokenizer.ggml.merges"],
    [
      "merges without a space",
      BPE_ENTRIES,
      "tokenizer.ggml.merges",
      ["tokenizer.ggml.merges", "strings", ["ab"]],
    ],
    [
      "a byte token that is no byte",
      SPM_ENTRIES,
      "tokenizer.ggml.token_type",
      ["tokenizer.ggml.token_type", "i32s", new Array(278).fill(6)],
    ],
  ])("with %s is refused by the name of the key", (_, entries, key, entry) => {
    const file = ggufFile(withEntry(entries, key, entry));
    expect(() => load(file)).toThrow(GgufError);
    expect(() => load(file)).toThrow(/^tokenizer\.ggml\.\w+: /);
  });

  it("of an unknown kind is refused with those that are known", () => {
    const file = ggufFile(
      withEntry(SPM_ENTRIES, "tokenizer.ggml.model", ["tokenizer.ggml.model", "string", "t5"]),
    );
    expect(() => load(file)).toThrow(UnsupportedTokenizerError);
    expect(() => load(file)).toThrow(/"t5".*llama, gpt2/);
  });

  it("with an unknown pre-tokenizer is refused with those that are known", () => {
    const pre = (name: string) =>
      ggufFile(withEntry(BPE_ENTRIES, "tokenizer.ggml.pre", ["tokenizer.ggml.pre", "string", name]));
    expect(() => load(pre("nope"))).toThrow(/"nope".*llama-bpe/);
    for (const name of PRE_TOKENIZER_NAMES)
      expect(load(pre(name)).decode(load(pre(name)).encode("hello 123"))).toBe("hello 123");
  });

  it("adds BOS where the file or its kind says so", () => {
    const bos = (entries: readonly Entry[], value?: boolean) =>
      load(
        ggufFile(
          value === undefined ? entries : [...entries, ["tokenizer.ggml.add_bos_token", "bool", value]],
        ),
      ).encode("");
    expect([[...bos(SPM_ENTRIES)], [...bos(SPM_ENTRIES, false)]]).toEqual([[1], []]);
    expect([[...bos(BPE_ENTRIES)], [...bos(BPE_ENTRIES, true)]]).toEqual([[], [265]]);
  });

  it("that wants EOS gets it at the end", () => {
    const tokenizer = load(ggufFile([...SPM_ENTRIES, ["tokenizer.ggml.add_eos_token", "bool", true]]));
    expect(tokenizer.encode("a").at(-1)).toBe(2);
  });

  it("cuts user-defined tokens out of any text, and special ones only where they are parsed", () => {
    const tokenizer = load(ggufFile(SPM_ENTRIES));
    expect([...tokenizer.encode("[user]</s>", { addSpecial: false })]).toEqual([3, 2]);
    const plain = [...tokenizer.encode("[user]</s>", { addSpecial: false, parseSpecial: false })];
    expect([plain[0], plain.includes(2)]).toEqual([3, false]);
  });

  it("of Phi-3 swallows white space after its special tokens", () => {
    const phi = withEntry(SPM_ENTRIES, "general.architecture", ["general.architecture", "string", "phi3"]);
    const ids = load(ggufFile(phi)).encode("</s> \n a", { addSpecial: false });
    expect(ids).toEqual(load(ggufFile(SPM_ENTRIES)).encode("</s>a", { addSpecial: false }));
  });
});

describe("loadTokenizer", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kvasir-gguf-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("reads metadata that is longer than its first read", async () => {
    const path = join(folder, "long.gguf");
    await writeFile(path, ggufFile([["filler", "strings", new Array(300_000).fill("x")], ...SPM_ENTRIES]));
    const tokenizer = await loadTokenizer(path);
    expect(tokenizer.vocabSize).toBe(278);
    expect(tokenizer.chatTemplate?.render({ messages: [{ content: "hi" }] })).toBe("<s>hi</s>");
  });

  it("refuses a file whose metadata ends early, and what is no checkpoint", async () => {
    const path = join(folder, "short.gguf");
    await writeFile(path, ggufFile(SPM_ENTRIES).subarray(0, 2000));
    await expect(loadTokenizer(path)).rejects.toThrow(GgufError);
    await writeFile(join(folder, "empty.gguf"), "");
    await expect(loadTokenizer(join(folder, "empty.gguf"))).rejects.toThrow(GgufError);
    for (const wrong of [join(folder, "absent"), folder, import.meta.filename]) {
      await expect(loadTokenizer(wrong)).rejects.toThrow(TokenizerFileError);
    }
  });
});
