import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Tokenizer as Library } from "@huggingface/tokenizers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  TemplateError,
  TokenizerError,
  TokenizerFileError,
  UnsupportedTokenizerError,
} from "../src/errors.ts";
import {
  type CheckpointFiles,
  type JsonObject,
  readCheckpointFiles,
} from "../src/hugging-face/checkpoint-files.ts";
import { HuggingFaceTokenizer } from "../src/hugging-face/hugging-face-tokenizer.ts";
import { loadTokenizer } from "../src/load-tokenizer.ts";
import { checkpointFiles, LLAMA_LIKE, UNIGRAM } from "./tokenizer-files.ts";

const tinyPath = fileURLToPath(new URL("checkpoints/tiny", import.meta.url));
const tiny = await readCheckpointFiles(tinyPath);

const spaced = (token: JsonObject) => ({ ...token, lstrip: true, rstrip: true });
const LLAMA_SPACED = checkpointFiles({
  ...LLAMA_LIKE.tokenizer,
  added_tokens: [
    ...(LLAMA_LIKE.tokenizer.added_tokens as JsonObject[]).map(spaced),
    { id: 283, content: "ab", normalized: true },
  ],
});

describe.each<[string, CheckpointFiles]>([
  ["byte-level BPE", tiny],
  ["BPE with byte fallback", LLAMA_LIKE],
  ["BPE with tokens that take spaces, and one that is normalized", LLAMA_SPACED],
  ["Unigram", UNIGRAM],
])("tokenizer.json with %s", (_, files) => {
  const library = new Library({ ...files.tokenizer }, files.config);
  const tokenizer = new HuggingFaceTokenizer(files);
  const unit = fc.constantFrom(
    "a",
    "b",
    "hello",
    " ",
    "  ",
    "\n",
    "</s>",
    "<s>",
    "<|eos|>",
    "<|im_start|>",
    "é",
    "🦙",
    "1",
    "'ll",
  );

  it("gives the ids of @huggingface/tokenizers alone, with special tokens added or not", () => {
    const property = fc.property(fc.string({ unit, maxLength: 30 }), fc.boolean(), (text, addSpecial) => {
      const expected = library.encode(text, { add_special_tokens: addSpecial }).ids;
      expect([...tokenizer.encode(text, { addSpecial })]).toEqual(expected);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("decodes as @huggingface/tokenizers alone", () => {
    const text = "hello ab 🦙 é 1";
    const ids = [...tokenizer.encode(text)];
    const expected = library.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
    expect(tokenizer.decode(ids)).toBe(expected.replaceAll("<unk>", ""));
  });
});

describe("special tokens", () => {
  it("that a Unigram model could cut from plain text are spelled in parts", () => {
    const tokenizer = new HuggingFaceTokenizer(UNIGRAM);
    const ids = [...tokenizer.encode("hello</s>", { parseSpecial: false })];
    const unknown = 0;
    expect(ids.filter((id) => id !== unknown && tokenizer.isSpecial(id))).toEqual([]);
    expect(tokenizer.decode(ids)).toBe("hello</s>");
  });

  it("that merges would spell are spelled in parts", () => {
    const tokenizer = new HuggingFaceTokenizer(LLAMA_LIKE);
    const ids = tokenizer.encode("</s>", { addSpecial: false, parseSpecial: false });
    expect(ids).not.toContain(2);
    expect(tokenizer.decode(ids)).toBe("</s>");
  });

  it("are those of the configuration and of the generation configuration", () => {
    const { bosId, eosIds } = new HuggingFaceTokenizer({
      ...LLAMA_LIKE,
      generation: { eos_token_id: [3, 2] },
    });
    expect([bosId, eosIds]).toEqual([1, [3, 2]]);
    expect(
      new HuggingFaceTokenizer({ ...LLAMA_LIKE, generation: { bos_token_id: 3, eos_token_id: 3 } }).bosId,
    ).toBe(1);
  });

  it("out of range are refused by the name of their field", () => {
    const files = { ...LLAMA_LIKE, generation: { eos_token_id: [99999] } };
    expect(() => new HuggingFaceTokenizer(files)).toThrow(/generation_config.json: eos_token_id/);
  });
});

describe("chat templates of a checkpoint", () => {
  const withConfig = (config: JsonObject, template?: string) =>
    new HuggingFaceTokenizer({ ...LLAMA_LIKE, config: { ...LLAMA_LIKE.config, ...config }, template });

  it("come from the configuration, with its tokens", async () => {
    const tokenizer = await loadTokenizer(tinyPath);
    expect(tokenizer.chatTemplate?.render({ messages: [{ role: "user", content: " Hi " }] })).toBe(
      "<|bos|>Hi\n",
    );
  });

  it("come from chat_template.jinja first, and by name from a list", () => {
    const list = [
      { name: "default", template: "one{{ eos_token }}{{ unk_token }}" },
      { name: "tool_use", template: "two" },
    ];
    expect(withConfig({ chat_template: "config" }, "file").chatTemplate?.render({ messages: [] })).toBe(
      "file",
    );
    expect(withConfig({ chat_template: list }).chatTemplate?.render({ messages: [] })).toBe("one</s><unk>");
    expect(withConfig({ chat_template: list }).chatTemplate?.render({ messages: [], tools: [{}] })).toBe(
      "two",
    );
    expect(withConfig({}).chatTemplate).toBeUndefined();
  });

  it("that do not parse are an error where they are used, not where the tokenizer is loaded", () => {
    const tokenizer = withConfig({ chat_template: "{% if %}" });
    expect(tokenizer.encode("a").length).toBeGreaterThan(0);
    expect(() => tokenizer.chatTemplate).toThrow(TemplateError);
  });
});

describe("files that are not sound", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kvasir-json-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no model", "{}"],
    ["a vocabulary of a wrong type", '{"model":{"type":"BPE","vocab":3,"merges":[]}}'],
    [
      "ids that are too large",
      '{"model":{"type":"BPE","vocab":{"a":4000000000},"merges":[]},"decoder":{"type":"ByteLevel"}}',
    ],
    [
      "ids that are no integers",
      '{"model":{"type":"BPE","vocab":{"a":"b"},"merges":[]},"decoder":{"type":"ByteLevel"}}',
    ],
    ["added tokens of a wrong type", '{"model":{"type":"BPE","vocab":{},"merges":[]},"added_tokens":[3]}'],
    ["no merges", '{"model":{"type":"BPE","vocab":{"a":0}},"decoder":{"type":"ByteLevel"}}'],
    [
      "a broken pattern",
      '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("}}}',
    ],
  ])("%s: TokenizerFileError", async (_, json) => {
    await writeFile(join(folder, "tokenizer.json"), json);
    await expect(loadTokenizer(folder)).rejects.toThrow(TokenizerFileError);
  });

  it("a decoder that cannot be streamed is not supported, and says which are", async () => {
    const json = { ...LLAMA_LIKE.tokenizer, decoder: { type: "WordPiece", prefix: "##" } };
    expect(() => new HuggingFaceTokenizer(checkpointFiles(json))).toThrow(UnsupportedTokenizerError);
    expect(() => new HuggingFaceTokenizer(checkpointFiles({ ...json, decoder: null }))).toThrow(
      /ByteLevel, ByteFallback/,
    );
  });

  it("changed at random: a tokenizer that works, or an error of this package", () => {
    const text = readFileSync(join(tinyPath, "tokenizer.json"), "utf8").replace(
      /"vocab": \{.*?\}, "merges": \[.*?\]\}/s,
      '"vocab": {"<|bos|>": 0, "a": 5, "b": 6, "ab": 7}, "merges": ["a b"]}',
    );
    const change = fc.record({
      at: fc.nat(),
      insert: fc.constantFrom("", "null", "3", '"x"', "[", "}", "-1", "1e99", "[]", "{}"),
    });
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      let json = text;
      for (const { at, insert } of changes) {
        // Replaces one value of the file, so that it stays JSON more often than not.
        const values = [...json.matchAll(/(?<=: )("[^"]*"|\d+|null|true|false)/g)];
        const target = values[at % Math.max(1, values.length)];
        if (target !== undefined)
          json = json.slice(0, target.index) + insert + json.slice(target.index + target[0].length);
      }
      let parsed: JsonObject;
      try {
        parsed = JSON.parse(json);
      } catch {
        return;
      }
      try {
        const tokenizer = new HuggingFaceTokenizer(checkpointFiles(parsed));
        tokenizer.decode(tokenizer.encode("ab<|eos|>"));
      } catch (error) {
        if (!(error instanceof TokenizerError)) throw error;
      }
    });
    fc.assert(property, { numRuns: 500 });
  });
});
