import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { TemplateError } from "../src/errors.ts";
import { loadTokenizer } from "../src/load-tokenizer.ts";
import { ChatTemplate } from "../src/template/chat-template.ts";
import type { Tokenizer } from "../src/tokenizer.ts";

const root = fileURLToPath(new URL("../../../../shared/third-party", import.meta.url));
const absent = !existsSync(root);
const reason = absent ? " (skipped: ../shared/third-party is not here)" : "";
const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");

describe.skipIf(absent)(`published vocabularies in GGUF${reason}`, () => {
  describe.each(["gpt-2", "llama-spm", "mpt", "phi-3", "starcoder"])("%s", (name) => {
    let tokenizer: Tokenizer;
    let texts: string[];
    let expected: string[];
    beforeAll(async () => {
      tokenizer = await loadTokenizer(`${root}/vocab/${name}.gguf`);
      texts = read(`vocab/${name}.inp`).split("\n__ggml_vocab_test__\n");
      expected = read(`vocab/${name}.out`)
        .split("\n")
        .map((line) => line.trim());
    });

    it("gives the recorded ids of every text", () => {
      expect(texts.length).toBeGreaterThan(40);
      const ids = texts.map((text) => tokenizer.encode(text, { addSpecial: false }).join(" "));
      expect(ids).toEqual(expected.slice(0, texts.length));
    });

    it("decodes its ids back to every text", () => {
      for (const text of texts) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    });

    it("gives the same ids with and without the event loop running in between", async () => {
      const text = texts.join("\n").repeat(20);
      expect(await tokenizer.encodeAsync(text)).toEqual(tokenizer.encode(text));
    });

    it("never makes a special id from plain text", () => {
      const specials = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) =>
        tokenizer.isSpecial(id),
      );
      const text = specials.map((id) => Buffer.from(tokenizer.tokenBytes(id)).toString()).join(" ");
      const ids = [...tokenizer.encode(text, { addSpecial: false, parseSpecial: false })];
      expect(ids.filter((id) => tokenizer.isSpecial(id))).toEqual([]);
    });
  });
});

describe.skipIf(absent)(`published chat templates${reason}`, () => {
  const recorded = absent
    ? { cases: {}, expected: {}, now: "", bos_token: "", eos_token: "" }
    : JSON.parse(read("templates/expected.json"));
  const cases = Object.keys(recorded.expected).flatMap((name) =>
    Object.keys(recorded.cases).map((input) => [name, input] as const),
  );

  it.each(cases)("%s renders %s as Jinja2 does", (name, input) => {
    const { messages, tools, add_generation_prompt: addGenerationPrompt } = recorded.cases[input];
    const template = new ChatTemplate(read(`templates/${name}.jinja`), {
      bosToken: recorded.bos_token,
      eosToken: recorded.eos_token,
      now: () => new Date(`${recorded.now}T12:00:00`),
    });
    const render = () => template.render({ messages, tools, addGenerationPrompt });
    const outcome = recorded.expected[name][input];
    if ("error" in outcome) expect(render).toThrow(TemplateError);
    else expect(render()).toBe(outcome.text);
  });
});
