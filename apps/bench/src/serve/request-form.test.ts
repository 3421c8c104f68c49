import { describe, expect, test } from "vitest";
import { defaultLoadSettings } from "./load-settings.ts";
import { RequestForm } from "./request-form.ts";
import { RunSalt } from "./run-salt.ts";
import type { Content } from "./workloads/workload.ts";

const turns: Content = {
  kind: "turns",
  turns: [
    { role: "system", content: "s" },
    { role: "user", content: "u" },
    { role: "assistant", content: "a" },
    { role: "user", content: "v" },
  ],
};
const write = (content: Content, settings = {}, salt = new RunSalt("none", "n"), scope = "x") =>
  new RequestForm({ ...defaultLoadSettings, ...settings }, "m").write(
    { content, outputTokens: 5, scope, thinkMs: 0 },
    salt,
    9,
  );

describe("a request's form", () => {
  test("is a text that later turns only make longer, or messages", () => {
    expect(write(turns)).toEqual({
      path: "/completions",
      stream: true,
      body: {
        model: "m",
        prompt: "s ua\nv",
        max_tokens: 5,
        seed: 9,
        stream: true,
        stream_options: { include_usage: true },
      },
    });
    const { path, body } = write(turns, {
      endpoint: "chat",
      stream: false,
      greedy: true,
      ignoreEos: true,
      body: { top_k: 3 },
    });
    expect(path).toBe("/chat/completions");
    expect(body).toEqual({
      model: "m",
      messages: turns.kind === "turns" ? turns.turns : [],
      max_tokens: 5,
      temperature: 0,
      ignore_eos: true,
      top_k: 3,
    });
  });

  test("of a body is that body, at the endpoint that it is for", () => {
    const body = { messages: [{ role: "user", content: "q" }], model: "own", stream: false };
    expect(write({ kind: "body", body })).toMatchObject({
      path: "/chat/completions",
      stream: false,
      body: { ...body },
    });
  });
});

describe("a salt", () => {
  const text = new RunSalt("text", "run 1");
  test("is the same for a scope, and another for another scope or run", () => {
    const prompts = [
      write(turns, {}, text),
      write(turns, {}, new RunSalt("text", "run 1")),
      write(turns, {}, text, "y"),
      write(turns, {}, new RunSalt("text", "run 2")),
    ].map(({ body }) => String(body.prompt));
    expect(prompts[0]).toBe(prompts[1]);
    expect(new Set(prompts).size).toBe(3);
    for (const prompt of prompts) expect(prompt).toMatch(/^\w+ s ua\nv$/);
  });

  test("keeps the number of ids, and all of them in the vocabulary", () => {
    const ids = new RunSalt("text", "run", 60).said({ kind: "ids", ids: [1, 2, 3, 4] }, "x");
    expect(ids).toMatchObject({ kind: "ids", ids: [expect.any(Number), expect.any(Number), 3, 4] });
    if (ids.kind === "ids") for (const id of ids.ids) expect(id < 60).toBe(true);
  });

  test("as a field leaves the prompt alone", () => {
    const { body } = write(turns, {}, new RunSalt("cache_salt", "run"));
    expect(body).toMatchObject({ prompt: "s ua\nv", cache_salt: "run x" });
  });

  test("goes in front of a body's own prompt, and says where it can not", () => {
    const said = (body: object) => text.said({ kind: "body", body: body as Record<string, unknown> }, "x");
    expect(said({ prompt: "p" })).toMatchObject({ body: { prompt: expect.stringMatching(/^\w+ p$/) } });
    expect(said({ messages: [{ role: "user", content: "p" }, { role: "user" }] })).toMatchObject({
      body: { messages: [{ role: "user", content: expect.stringMatching(/^\w+ p$/) }, { role: "user" }] },
    });
    expect(() => said({ prompt: ["a", "b"] })).toThrow(/^salt: expected/);
  });
});
