import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AppOptions } from "../src/app-options.ts";
import { samplesOf } from "./exposition.ts";
import { RealServer } from "./real-server.ts";

let folder: string;
let real: RealServer;
const options = (): AppOptions => ({
  apiKeys: [
    { name: "ann", key: "k1" },
    { name: "bob", key: "k2" },
  ],
  adminKey: "root",
  slotSavePath: folder,
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvasir-"));
  real = await RealServer.start({}, options());
});
afterEach(async () => {
  await real.stop();
  await rm(folder, { recursive: true });
});

const prompt = "Once upon a time there was a king who had three daughters and one sea. ".repeat(3);

async function post(path: string, key: string, body: object) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };
  const response = await fetch(real.server.url + path, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  return { status: response.status, answer };
}

type Completion = {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
};

async function ask(key: string, fields: object = {}) {
  const body = { prompt, max_tokens: 4, temperature: 0, ...fields };
  const { answer } = await post("/v1/completions", key, body);
  const { choices, usage } = answer as Completion;
  return { text: choices[0]!.text, cached: usage.prompt_tokens_details.cached_tokens, usage };
}

describe("tenants", () => {
  it("have cached prefixes of their own, whatever salt they send", async () => {
    const cold = await ask("k1");
    expect(cold.cached).toBe(0);
    const warm = await ask("k1");
    expect(warm.cached).toBeGreaterThan(0);
    expect((await ask("k2")).cached).toBe(0);
    expect((await ask("k2", { cache_salt: "k1" })).cached).toBe(0);
    expect((await ask("k1", { cache_salt: "mine" })).cached).toBe(0);
    expect([warm.text, (await ask("k2")).text]).toEqual([cold.text, cold.text]);
  });

  it("save sessions that no other tenant may restore, also after a restart", async () => {
    const told = await ask("k1", { session: "talk" });
    const saved = await post("/slots/talk?action=save&tenant=ann", "root", { filename: "talk.bin" });
    expect(saved).toMatchObject({ status: 200, answer: { id_slot: "talk", filename: "talk.bin" } });
    const { n_saved, n_written } = saved.answer as { n_saved: number; n_written: number };
    expect(n_written).toBe((await readFile(join(folder, "talk.bin"))).length);
    await real.stop();
    real = await RealServer.start({}, options());
    const other = await post("/slots/talk?action=restore&tenant=bob", "root", { filename: "talk.bin" });
    expect(other).toMatchObject({
      status: 409,
      answer: {
        error: {
          code: "session_refused",
          param: "filename",
          message: expect.stringContaining("other-tenant"),
        },
      },
    });
    expect((await ask("k2")).cached).toBe(0);
    const restored = await post("/slots/talk?action=restore&tenant=ann", "root", { filename: "talk.bin" });
    expect(restored).toMatchObject({ status: 200, answer: { n_restored: n_saved, n_read: n_written } });
    const again = await ask("k1");
    expect(again.cached).toBeGreaterThan(0);
    expect(again.text).toBe(told.text);
    expect(await post("/slots/talk?action=erase&tenant=ann", "root", {})).toMatchObject({ status: 200 });
  });

  it("are not harmed by a file that is damaged or not there, and the metrics count the refusals", async () => {
    const told = await ask("k1", { session: "talk" });
    await post("/slots/talk?action=save&tenant=ann", "root", { filename: "talk.bin" });
    const bytes = await readFile(join(folder, "talk.bin"));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(join(folder, "bad.bin"), bytes);
    const refused = await post("/slots/talk?action=restore&tenant=ann", "root", { filename: "bad.bin" });
    expect(refused).toMatchObject({
      status: 409,
      answer: { error: { message: expect.stringMatching(/^corrupt: /) } },
    });
    expect((await ask("k1")).text).toBe(told.text);
    const headers = { Authorization: "Bearer k1" };
    const metrics = samplesOf(await (await fetch(`${real.server.url}/metrics`, { headers })).text());
    const count = (operation: string, outcome: string) =>
      metrics.get(`kvasir_session_operations_total{operation="${operation}",outcome="${outcome}"}`);
    expect([count("save", "ok"), count("restore", "session_refused")]).toEqual([1, 1]);
  });

  it("are all forgotten at once, and saved and loaded at once", async () => {
    await ask("k1");
    await ask("k2");
    expect(await post("/cache/save", "root", { filename: "all" })).toMatchObject({ status: 200 });
    const reset = await post("/cache/reset", "root", {});
    expect((reset.answer as { dropped_tokens: number }).dropped_tokens).toBeGreaterThan(0);
    expect((await ask("k1", { cache_prompt: true })).cached).toBe(0);
    await post("/flush_cache", "root", {});
    expect(await post("/cache/load", "root", { filename: "all" })).toMatchObject({ status: 200 });
    expect((await ask("k1")).cached).toBeGreaterThan(0);
    expect((await ask("k2")).cached).toBeGreaterThan(0);
  });
});
