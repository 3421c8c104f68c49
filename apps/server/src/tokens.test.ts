import { describe, expect, it } from "vitest";
import { AppClient, errorOf, hello, jsonOf } from "../tests/app-client.ts";

const post = (path: string, body: object) => jsonOf(new AppClient().post(path, body));

describe("/tokenize", () => {
  it("has what a prompt becomes", async () => {
    expect(await post("/tokenize", { prompt: "hé" })).toEqual({
      count: 4,
      max_model_len: 512,
      tokens: [256, 104, 0xc3, 0xa9],
      token_strs: null,
    });
    const bare = { prompt: "hé", add_special_tokens: false, return_token_strs: true };
    expect(await post("/tokenize", bare)).toMatchObject({ count: 3, token_strs: ["h", "\\xc3", "\\xa9"] });
  });

  it("has what a conversation becomes", async () => {
    expect(await post("/tokenize", hello)).toMatchObject({ count: "user: hello\n".length });
  });

  it.each<[object, string]>([
    [{}, "prompt"],
    [{ ...hello, prompt: "a" }, "prompt"],
    [{ prompt: "a", tools: [] }, "tools"],
    [{ prompt: "a", add_generation_prompt: true }, "add_generation_prompt"],
    [{ ...hello, add_special_tokens: true }, "add_special_tokens"],
    [{ prompt: 1 }, "prompt"],
    [{ prompt: "a", max_tokens: 1 }, "max_tokens"],
  ])("refuses %j", async (body, param) => {
    const response = await new AppClient().post("/tokenize", body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ param });
  });
});

describe("/detokenize", () => {
  it("has the text of tokens, special ones spelled out", async () => {
    expect(await post("/detokenize", { tokens: [256, 104, 0xc3, 0xa9] })).toEqual({ prompt: "<s>hé" });
  });

  it("takes off the space that the vocabulary puts before a text", async () => {
    const client = new AppClient();
    client.engine.tokenizer = { ...client.engine.tokenizer!, leadingSpace: true };
    expect(await jsonOf(client.post("/detokenize", { tokens: [32, 104] }))).toEqual({ prompt: "h" });
  });

  it("stays answerable at any length", async () => {
    const tokens = Array(50_000).fill(97);
    expect(await post("/detokenize", { tokens })).toEqual({ prompt: "a".repeat(50_000) });
  });

  it.each([[[]], [[257]], [[-1]], ["a"], [[1.5]]])("refuses %j", async (tokens) => {
    expect(await errorOf(await new AppClient().post("/detokenize", { tokens }))).toMatchObject({
      param: "tokens",
    });
  });
});

it("say so where there is no tokenizer, or another model is asked for", async () => {
  const client = new AppClient();
  expect((await client.post("/tokenize", { prompt: "a", model: "gpt-4" })).status).toBe(404);
  client.engine.tokenizer = undefined;
  expect((await client.post("/detokenize", { tokens: [1] })).status).toBe(501);
});
