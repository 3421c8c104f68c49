import { EventEmitter } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { runCommand } from "../src/command.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvasir-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

/** Runs the real server on one request; the tokens that came from its cache, and what it logged. */
async function serveOnce(...flags: readonly string[]) {
  const signals = new EventEmitter();
  let out = "";
  const write = (text: string) => (out += text);
  const args = ["--port", "0", "--kv-memory", "16MiB", "--cache-file", join(folder, "cache"), ...flags];
  const exit = runCommand(args, { stdout: { write }, stderr: { write }, signals });
  const url = await vi.waitFor(
    () => /"url":"([^"]+)"/.exec(out)?.[1] ?? Promise.reject(new Error(out)),
    30_000,
  );
  const prompt = "The sea was dark and the old man said that he would sail. ".repeat(3);
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ prompt, max_tokens: 4, temperature: 0 }),
  });
  const answer = (await response.json()) as {
    choices: { text: string }[];
    usage: { prompt_tokens_details: { cached_tokens: number } };
  };
  signals.emit("SIGTERM");
  expect(await exit).toBe(0);
  return { text: answer.choices[0]!.text, cached: answer.usage.prompt_tokens_details.cached_tokens, out };
}

it("a server that starts again has its prefixes, and says the same", async () => {
  const first = await serveOnce();
  expect(first.cached).toBe(0);
  expect(first.out).toContain('"msg":"saved the cache"');
  const second = await serveOnce();
  expect(second.out).toContain('"msg":"loaded the cache"');
  expect(second.cached).toBeGreaterThan(0);
  expect(second.text).toBe(first.text);
});

it("a file of another format, or a damaged one, is refused with its reason, and the server answers as ever", async () => {
  const { text } = await serveOnce();
  const bytes = await readFile(join(folder, "cache"));
  const other = await serveOnce("--kv-dtype", "f32");
  expect(other.out).toMatch(/"reason":"other-format: .*"msg":"did not load the cache"/);
  expect(other.cached).toBe(0);
  await writeFile(join(folder, "cache"), bytes.subarray(0, bytes.length - 1));
  const damaged = await serveOnce();
  expect(damaged.out).toMatch(/"reason":"corrupt: .*"msg":"did not load the cache"/);
  expect([damaged.cached, damaged.text]).toEqual([0, text]);
});
