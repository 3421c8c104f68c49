import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, errorOf, hello } from "../tests/app-client.ts";
import { ApiKeys } from "./api-keys.ts";

const bearer = (key: string) => ({ "Content-Type": "application/json", Authorization: `Bearer ${key}` });
const ask = (client: AppClient, key: string) =>
  client.post(completions, { prompt: "a" }, { headers: bearer(key) });

describe("a request's tenant", () => {
  it("is its key's, whatever the client sends", async () => {
    const client = new AppClient({ apiKeys: ["one", "two"] });
    const [first, second] = new ApiKeys(["one", "two"]).tenants;
    await ask(client, "one");
    await ask(client, "two");
    await client.post(chat, hello, { headers: bearer("one") });
    expect(client.engine.requests.map(({ tenant }) => tenant)).toEqual([
      first?.salt,
      second?.salt,
      first?.salt,
    ]);
    const forged = await client.post(
      completions,
      { prompt: "a", tenant: second?.salt },
      { headers: bearer("one") },
    );
    expect(forged.status).toBe(400);
  });

  it("is nobody's without keys, and everybody's where prefixes are shared", async () => {
    const open = new AppClient();
    await ask(open, "any");
    const shared = new AppClient({ apiKeys: ["one", "two"], sharePrefixes: true });
    await ask(shared, "one");
    await ask(shared, "two");
    expect(open.engine.requests[0]).not.toHaveProperty("tenant");
    for (const request of shared.engine.requests) expect(request).not.toHaveProperty("tenant");
  });
});

describe("routes of administration", () => {
  const routes = [
    ["GET", "/slots"],
    ["POST", "/slots/1?action=erase"],
    ["GET", "/props"],
    ["POST", "/cache/reset"],
    ["POST", "/reset_prefix_cache"],
    ["POST", "/flush_cache"],
    ["POST", "/cache/save"],
    ["POST", "/cache/load"],
  ] as const;
  const status = async (client: AppClient, headers: Record<string, string>) => {
    const all = await Promise.all(
      routes.map(async ([method, path]) => (await client.app.hono.request(path, { method, headers })).status),
    );
    return [...new Set(all)];
  };

  it("are the ones that the table of routes has", () => {
    const { hono } = new AppClient().app;
    const paths = hono.routes.filter(({ method }) => method !== "ALL").map(({ path }) => path);
    const admin = paths.filter((path) => /slots|props|cache/.test(path));
    expect(admin.sort()).toEqual(routes.map(([, path]) => path.replace(/1\?.*/, ":id")).sort());
  });

  it("are closed without an admin key, and say how to open them", async () => {
    const client = new AppClient();
    expect(await status(client, {})).toEqual([403]);
    const error = await errorOf(await client.get("/slots"));
    expect(error).toMatchObject({ code: "admin_disabled", type: "permission_error" });
    expect(error.message).toContain("--admin-key");
    expect(client.engine.calls).toEqual([]);
  });

  it("need the admin key, which opens nothing else", async () => {
    const client = new AppClient({ apiKeys: ["user"], adminKey: "root" });
    expect(await status(client, {})).toEqual([401]);
    expect(await status(client, { Authorization: "Bearer wrong" })).toEqual([401]);
    expect(await status(client, { Authorization: "Bearer user" })).toEqual([403]);
    expect(client.engine.calls).toEqual([]);
    expect((await client.get("/slots", { Authorization: "Bearer root" })).status).toBe(200);
    expect((await client.get("/v1/models", { Authorization: "Bearer root" })).status).toBe(401);
    expect((await client.get("/slots/1", { Authorization: "Bearer user" })).status).not.toBe(200);
  });

  it("are open by choice, but not to web pages", async () => {
    const client = new AppClient({ openAdmin: true });
    expect((await client.get("/slots")).status).toBe(200);
    expect(await status(client, { Origin: "http://example.com" })).toEqual([403]);
    expect(client.engine.calls).toEqual([]);
  });
});
