import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, errorOf, hello, jsonOf } from "../tests/app-client.ts";

describe("routes", () => {
  it("lists the one model, by itself too", async () => {
    const client = new AppClient();
    const list = await jsonOf<{ data: { kvasir: object }[] }>(client.get("/v1/models"));
    expect(list).toMatchObject({
      object: "list",
      data: [{ id: "fake", object: "model", owned_by: "kvasir" }],
    });
    expect(list.data[0]?.kvasir).toMatchObject({ layers: 8, kvLayers: 3, tokenCapacity: 2048 });
    expect(await (await client.get("/v1/models/fake")).json()).toEqual(list.data[0]);
  });

  it("does not know another model, on any route", async () => {
    const client = new AppClient();
    for (const response of [
      await client.get("/v1/models/gpt-4"),
      await client.get("/v1/models/org/name"),
      await client.post(completions, { model: "gpt-4", prompt: "a" }),
      await client.post(chat, { ...hello, model: "gpt-4" }),
    ]) {
      expect(response.status).toBe(404);
      expect(await errorOf(response)).toMatchObject({
        code: "model_not_found",
        param: "model",
        type: "not_found_error",
      });
    }
  });

  it("answers an unknown path with 404 and a known path's wrong method with 405 and Allow", async () => {
    const client = new AppClient();
    const lost = await client.get("/v1/images");
    expect(lost.status).toBe(404);
    expect(await errorOf(lost)).toMatchObject({ code: "not_found" });
    const wrong = await client.get(chat);
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await errorOf(wrong)).toMatchObject({ code: "method_not_allowed", type: "invalid_request_error" });
  });

  it("lets no other origin in: no CORS headers, and a preflight is refused", async () => {
    const { app } = new AppClient();
    const headers = { Origin: "https://example.com", "Access-Control-Request-Method": "POST" };
    const preflight = await app.hono.request(chat, { method: "OPTIONS", headers });
    expect(preflight.status).toBe(405);
    expect([...preflight.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("gives every answer a request id, and keeps the client's", async () => {
    const client = new AppClient();
    for (const path of ["/health", "/nowhere", "/v1/models/other"]) {
      expect((await client.get(path)).headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    }
    const headers = { "Content-Type": "application/json", "X-Request-Id": "mine-1" };
    for (const body of [hello, { ...hello, stream: true }, { messages: 1 }]) {
      const response = await client.post(chat, body, { headers });
      expect(response.headers.get("x-request-id")).toBe("mine-1");
    }
  });
});

describe("bodies", () => {
  it.each([
    ["not JSON", '{"prompt": "a"'],
    ["empty", ""],
    ["an array", "[]"],
    ["null", "null"],
    ["NaN", '{"prompt": "a", "temperature": NaN}'],
    ["too deep", `{"prompt": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    [
      "too deep behind a string with quotes",
      `{"a\\\\\\"": "${'\\"'.repeat(50)}[", "prompt": ${"[".repeat(65)}`,
    ],
  ])("refuses a body that is %s", async (_, body) => {
    const response = await new AppClient().post(completions, body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "invalid_json", type: "invalid_request_error" });
  });

  it("takes brackets within strings for text", async () => {
    const response = await new AppClient().post(completions, { prompt: `\\"${"[{".repeat(500)}` });
    expect(response.status).toBe(200);
  });

  it("refuses bytes that are not UTF-8", async () => {
    const body = Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d);
    const response = await new AppClient().post(completions, "", { body });
    expect(await errorOf(response)).toMatchObject({ code: "invalid_json", message: "the body: not UTF-8" });
  });

  it.each([
    ["text/plain", { "Content-Type": "text/plain" }],
    ["a form", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["gzip", { "Content-Type": "application/json", "Content-Encoding": "gzip" }],
  ])("answers %s with 415", async (_, headers) => {
    const response = await new AppClient().post(completions, { prompt: "a" }, { headers: { ...headers } });
    expect(response.status).toBe(415);
    expect(await errorOf(response)).toMatchObject({ code: "unsupported_media_type" });
  });

  it("accepts a charset and any case in the media type", async () => {
    const headers = { "Content-Type": "Application/JSON; charset=utf-8" };
    expect((await new AppClient().post(completions, { prompt: "a" }, { headers })).status).toBe(200);
  });

  it("answers 413 at one byte over the limit, with and without a length", async () => {
    const fits = JSON.stringify({ prompt: "aaaaaaaa" });
    const client = new AppClient({ bodyLimit: fits.length });
    expect((await client.post(completions, fits)).status).toBe(200);
    const headers = { "Content-Type": "application/json", "Content-Length": String(fits.length + 1) };
    for (const response of [
      await client.post(completions, `${fits} `),
      await client.post(completions, `${fits} `, { headers }),
    ]) {
      expect(response.status).toBe(413);
      expect(await errorOf(response)).toMatchObject({ code: "body_too_large" });
    }
  });
});

describe("the API key", () => {
  const client = new AppClient({ apiKeys: ["s3cret:#key"] });

  it("is asked for on every route but the two of health, for known and unknown paths", async () => {
    const paths = client.app.hono.routes
      .filter((route) => route.method !== "ALL")
      .map((route) => [route.method, route.path.replace(":id{.+}", "fake")] as const);
    expect(paths.length).toBeGreaterThanOrEqual(6);
    for (const [method, path] of [
      ...paths,
      ["GET", "/"],
      ["DELETE", chat],
      ["GET", "/health/other"],
    ] as const) {
      const response = await client.app.hono.request(path, { method });
      expect([path, response.status]).toEqual([path, path.match(/^\/health(\/ready)?$/) ? 200 : 401]);
    }
  });

  it("must be the whole key", async () => {
    const status = async (header: string) =>
      (await client.get("/v1/models", { Authorization: header })).status;
    expect(await status("Bearer s3cret:#key")).toBe(200);
    expect(await status("bearer  s3cret:#key")).toBe(200);
    for (const wrong of [
      "",
      "Bearer",
      "Bearer ",
      "Bearer s",
      "Bearer s3cret:#key2",
      "Basic abc",
      "s3cret:#key",
    ]) {
      expect([wrong, await status(wrong)]).toEqual([wrong, 401]);
    }
  });

  it("must be something that a header can carry", () => {
    for (const apiKey of ["", "two words", "sécret"])
      expect(() => new AppClient({ apiKeys: [apiKey] })).toThrow(RangeError);
  });

  it("says what is wrong, and does not say the key", async () => {
    const missing = await client.get("/v1/models");
    expect(missing.headers.get("www-authenticate")).toBe("Bearer");
    expect(await errorOf(missing)).toMatchObject({ code: "missing_api_key", type: "authentication_error" });
    const wrong = await errorOf(await client.get("/v1/models", { Authorization: "Bearer x" }));
    expect(wrong.code).toBe("invalid_api_key");
    expect(JSON.stringify(wrong)).not.toContain("cret");
  });
});

describe("health", () => {
  it("is ready while idle and while steps go on, and stalled when work stands still", async () => {
    const client = new AppClient({ stallLimit: -1 });
    const status = async () => (await client.get("/health/ready")).status;
    client.engine.busy = { running: 0, steps: 5 };
    expect((await new AppClient().get("/health/ready")).status).toBe(200);
    client.engine.busy = { running: 1, steps: 6 };
    // A limit below zero makes any time since the last step too long.
    expect(await status()).toBe(503);
    expect((await client.get("/health")).status).toBe(200);
  });

  it("is not ready once a shutdown has begun, and generation is refused with 503", async () => {
    const client = new AppClient();
    client.app.inFlight.draining = true;
    const ready = await client.get("/health/ready");
    expect([ready.status, await ready.json()]).toEqual([503, { status: "shutting down" }]);
    const refused = await client.post(chat, hello);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("connection")).toBe("close");
    expect(await errorOf(refused)).toMatchObject({ code: "shutting_down", type: "server_error" });
  });
});
