import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SessionRefused } from "@kvasir/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppClient, errorOf, jsonOf } from "../../tests/app-client.ts";
import { ApiKeys } from "../api-keys.ts";

let folder: string;
let client: AppClient;
const headers = { "Content-Type": "application/json", Authorization: "Bearer root" };
const post = (path: string, body: unknown = {}) => client.post(path, body, { headers });
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvasir-"));
  await mkdir(join(folder, "slots"));
  client = new AppClient({ adminKey: "root", slotSavePath: join(folder, "slots") });
});
afterEach(async () => await rm(folder, { recursive: true }));

describe("POST /slots/{id}", () => {
  it("saves, restores and erases a session, with llama-server's answers", async () => {
    expect(await jsonOf(post("/slots/3?action=save", { filename: "a.bin" }))).toEqual({
      id_slot: 3,
      filename: "a.bin",
      n_saved: 11,
      n_written: 1100,
      timings: { save_ms: 1.5 },
    });
    expect(await jsonOf(post("/slots/talk-1?action=restore", { filename: "a.bin" }))).toEqual({
      id_slot: "talk-1",
      filename: "a.bin",
      n_restored: 11,
      n_read: 1100,
      timings: { restore_ms: 2.5 },
    });
    expect(await jsonOf(post("/slots/3?action=erase", ""))).toEqual({ id_slot: 3, n_erased: 11 });
    const path = join(folder, "slots", "a.bin");
    expect(client.engine.calls).toEqual([
      ["save", "3", path, ""],
      ["restore", "talk-1", path, ""],
      ["erase", "3", ""],
    ]);
  });

  it.each([
    "",
    ".",
    "..",
    ".hidden",
    "../a",
    "a/b",
    "a\\b",
    "/etc/passwd",
    "a\0b",
    "ä",
    "a b",
    "a".repeat(129),
    7,
    null,
    {},
  ])("refuses the file name %j", async (filename) => {
    for (const action of ["save", "restore"]) {
      const refused = await post(`/slots/1?action=${action}`, { filename });
      expect([refused.status, (await errorOf(refused)).param]).toEqual([400, "filename"]);
    }
    for (const path of ["/cache/save", "/cache/load"]) {
      expect((await post(path, { filename })).status).toBe(400);
    }
    expect(client.engine.calls).toEqual([]);
    expect(await readdir(folder)).toEqual(["slots"]);
  });

  it("follows no link, and takes no folder for a file", async () => {
    await writeFile(join(folder, "outside"), "mine");
    await symlink(join(folder, "outside"), join(folder, "slots", "link"));
    await symlink(join(folder, "nowhere"), join(folder, "slots", "dangling"));
    await mkdir(join(folder, "slots", "sub"));
    for (const filename of ["link", "dangling", "sub"]) {
      for (const action of ["save", "restore"]) {
        expect((await post(`/slots/1?action=${action}`, { filename })).status).toBe(400);
      }
    }
    expect(await readFile(join(folder, "outside"), "utf8")).toBe("mine");
    expect(client.engine.calls).toEqual([]);
  });

  it("says 404 for a file that is not there, 400 for another action or id, 403 without a folder", async () => {
    const missing = await post("/slots/1?action=restore", { filename: "none" });
    expect([missing.status, (await errorOf(missing)).code]).toEqual([404, "file_not_found"]);
    for (const path of ["/slots/1", "/slots/1?action=load", "/slots/a%2Fb?action=erase"]) {
      expect((await post(path, { filename: "a" })).status).toBe(400);
    }
    client = new AppClient({ adminKey: "root" });
    const off = await post("/slots/1?action=save", { filename: "a" });
    expect([off.status, (await errorOf(off)).code]).toEqual([403, "saving_disabled"]);
  });

  it.each([
    ["not-found", 404],
    ["corrupt", 409],
    ["other-model", 409],
    ["other-tenant", 409],
  ] as const)("gives the reason of a refusal: %s", async (reason, status) => {
    await writeFile(join(folder, "slots", "a"), "");
    client.engine.storeFailure = new SessionRefused(reason, "no");
    const refused = await post("/slots/1?action=restore", { filename: "a" });
    expect(refused.status).toBe(status);
    expect(await errorOf(refused)).toMatchObject({
      code: "session_refused",
      param: "filename",
      message: `${reason}: no`,
    });
  });

  it("asks whose session where there are tenants, and takes the key's name", async () => {
    const options = {
      apiKeys: [
        { name: "ann", key: "k1" },
        { name: "bob", key: "k2" },
      ],
    };
    client = new AppClient({ ...options, adminKey: "root", slotSavePath: folder });
    const salt = new ApiKeys(options.apiKeys).tenants[1]?.salt;
    const unsaid = await errorOf(await post("/slots/1?action=erase"));
    expect(unsaid).toMatchObject({ param: "tenant", message: expect.stringContaining("ann, bob") });
    expect((await post("/slots/1?action=erase&tenant=eve")).status).toBe(400);
    expect((await post("/slots/1?action=erase&tenant=bob&cache_salt=s")).status).toBe(200);
    expect(client.engine.calls).toEqual([["erase", "1", salt]]);
  });
});

describe("GET /slots and /props", () => {
  it("lists what runs, without prompts, and says when no slot is left", async () => {
    client = new AppClient({ openAdmin: true, maxRunning: 2 });
    client.engine.hangAt = 2;
    const answers = [1, 2].map(() => client.post("/v1/completions", { prompt: "a secret" }));
    while (client.engine.active < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    const slots = await jsonOf<object[]>(client.get("/slots"));
    expect(slots).toMatchObject([
      { id: 0, n_ctx: 512, is_processing: true },
      { id: 1, is_processing: true },
    ]);
    expect(JSON.stringify(slots)).not.toContain("secret");
    expect((await client.get("/slots?fail_on_no_slot=1")).status).toBe(503);
    client.engine.release();
    await Promise.all(answers);
    expect(await jsonOf(client.get("/slots?fail_on_no_slot=1"))).toEqual([
      { id: 0, n_ctx: 512, is_processing: false },
      { id: 1, n_ctx: 512, is_processing: false },
    ]);
    expect(await jsonOf(client.get("/props"))).toMatchObject({
      total_slots: 2,
      default_generation_settings: { n_ctx: 512 },
    });
  });
});

describe("the whole cache", () => {
  it("is reset under three names, with an empty body", async () => {
    for (const path of ["/cache/reset", "/reset_prefix_cache?reset_external=false", "/flush_cache"]) {
      const response = await client.app.hono.request(path, {
        method: "POST",
        headers: { Authorization: "Bearer root" },
      });
      expect([response.status, await response.json()]).toEqual([200, { dropped_tokens: 44 }]);
    }
    expect((await post("/reset_prefix_cache?reset_running_requests=true")).status).toBe(400);
    expect(client.engine.calls).toHaveLength(3);
  });

  it("is saved and loaded", async () => {
    expect(await jsonOf(post("/cache/save", { filename: "all" }))).toMatchObject({
      n_entries: 3,
      n_saved: 33,
    });
    expect(await jsonOf(post("/cache/load", { filename: "all" }))).toMatchObject({
      n_entries: 3,
      n_restored: 33,
    });
  });
});
