import { validate } from "@readme/openapi-parser";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { openApiDocument, operations } from "../src/open-api/document.ts";
import { schemas } from "../src/open-api/schemas.ts";
import { AppClient, chat, completions, eventsOf, hello, jsonOf } from "./app-client.ts";

/** What the tests read of the document. */
type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
};

const document = openApiDocument() as Document;

describe("/openapi.json", () => {
  it("is a valid OpenAPI 3.1 document, and is served", async () => {
    expect(await jsonOf(new AppClient().get("/openapi.json"))).toEqual(document);
    const result = await validate(openApiDocument() as Parameters<typeof validate>[0]);
    expect(result).toMatchObject({ valid: true });
    expect(document.openapi).toBe("3.1.0");
  });

  it("has every route of the app, and no other", () => {
    const { hono } = new AppClient().app;
    const routes = hono.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`);
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      [...new Set(routes)].sort(),
    );
    expect(Object.values(document.paths).flatMap((path) => Object.keys(path))).toHaveLength(
      operations.length,
    );
  });

  it("has every field of a request, with its range", () => {
    for (const name of ["CompletionRequest", "ChatRequest", "EmbeddingRequest", "TokenizeRequest"] as const) {
      expect(Object.keys(document.components.schemas[name]!.properties!)).toEqual(
        Object.keys(schemas[name].shape),
      );
    }
    expect(document.components.schemas.ChatRequest).toMatchObject({
      additionalProperties: false,
      required: ["messages"],
      properties: { temperature: { anyOf: [{ type: "number", minimum: 0, maximum: 2 }, { type: "null" }] } },
    });
  });

  it.each(operations.filter(({ body, access }) => body && access === "key"))(
    "has examples that $path takes",
    async ({ path, body }) => {
      for (const example of Object.values(body!.examples)) {
        const response = await new AppClient().post(path, example);
        expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
      }
    },
  );
});

describe("answers", () => {
  const parse = (schema: z.ZodType, value: unknown) => expect(schema.safeParse(value).error).toBeUndefined();
  const everything = { n: 2, logprobs: 2, kv_cache: { debug: true } };
  const stream = { stream: true, stream_options: { include_usage: true } };

  it("are as the document has them: completions", async () => {
    const client = new AppClient();
    const body = { prompt: "a", echo: true, ...everything };
    parse(schemas.Completion, await jsonOf(client.post(completions, body)));
    for (const event of await eventsOf(await client.post(completions, { ...body, ...stream }))) {
      parse(schemas.Completion, event);
    }
  });

  it("are as the document has them: chat", async () => {
    const client = new AppClient();
    client.engine.say('[{"name": "f", "arguments": {}}]');
    const tools = [{ type: "function", function: { name: "f" } }];
    const body = { ...hello, ...everything, logprobs: true, top_logprobs: 2, tools, tool_choice: "required" };
    parse(schemas.ChatCompletion, await jsonOf(client.post(chat, body)));
    for (const event of await eventsOf(await client.post(chat, { ...body, ...stream }))) {
      parse(schemas.ChatCompletionEvent, event);
    }
  });

  it("are as the document has them: the rest", async () => {
    const client = new AppClient({ openAdmin: true });
    for (const { method, path, answers, body, access } of operations) {
      const schema = answers[200]?.schema;
      if (schema === undefined || answers[200]?.events || (access === "admin" && body)) continue;
      const url = path.replace("{id}", "fake");
      const response =
        method === "get" ? client.get(url) : client.post(url, body ? Object.values(body.examples)[0] : {});
      parse(schemas[schema], await jsonOf(response));
    }
    parse(schemas.Error, await jsonOf(client.get("/nowhere")));
  });
});
