import { EventEmitter } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError, type EngineOptions, SessionRefused } from "@kvasir/core";
import { describe, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { type OwnEngine, runCommand } from "../src/command.ts";
import { FakeEngine } from "./fake-engine.ts";

class OwnFakeEngine extends FakeEngine {
  disposed = false;
  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

/** A run of the command over a fake engine, with all that it wrote. */
function run(
  args: readonly string[],
  options: { isTTY?: boolean; load?: () => Promise<OwnEngine>; environment?: Record<string, string> } = {},
) {
  const engine = new OwnFakeEngine();
  const signals = new EventEmitter();
  const written = { out: "", err: "" };
  let loadedWith: EngineOptions | undefined;
  const { isTTY = false } = options;
  const exit = runCommand(
    args,
    {
      stdout: { isTTY, write: (text) => (written.out += text) },
      stderr: { isTTY, write: (text) => (written.err += text) },
      signals,
      environment: options.environment ?? {},
    },
    async (engineOptions) => {
      loadedWith = engineOptions;
      return options.load ? await options.load() : engine;
    },
  );
  const url = async () => {
    for (let turn = 0; turn < 2000; turn += 1) {
      const match = /http:\/\/[\w.[\]:]+:\d+/.exec(written.out);
      if (match) return match[0];
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    throw new Error(`it does not listen: ${written.out}${written.err}`);
  };
  return { engine, signals, written, exit, url, loadedWith: () => loadedWith };
}

describe("usage", () => {
  it("prints help and version, and ends with 0", async () => {
    const help = run(["--help"]);
    expect(await help.exit).toBe(0);
    for (const flag of [
      "--model",
      "--weights",
      "--kv-policy",
      "--kv-policies",
      "--kv-option",
      "--kv-budget",
      "--kv-memory",
      "--api-key",
      "--drain-seconds",
    ]) {
      expect(help.written.out).toContain(flag);
    }
    const version = run(["--version"]);
    expect([await version.exit, version.written.out]).toEqual([0, `${packageJson.version}\n`]);
  });

  it.each([
    [["--port", "70000"], "--port"],
    [["--port", "-1"], "--port"],
    [["--kv-budget", "0"], "--kv-budget"],
    [["--kv-budget", "1.5"], "--kv-budget"],
    [["--kv-memory", "lots"], "--kv-memory"],
    [["--kv-memory", "0"], "--kv-memory"],
    [["--kv-dtype", "q4"], "--kv-dtype"],
    [["--weights", "q6_k"], "--weights"],
    [["--page-tokens", "17"], "--page-tokens"],
    [["--threads", "0"], "--threads"],
    [["--threads", "257"], "--threads"],
    [["--max-running", "4097"], "--max-running"],
    [["--step-tokens", "65537"], "--step-tokens"],
    [["--backend", "cuda"], "--backend"],
    [["--max-waiting", "x"], "--max-waiting"],
    [["--drain-seconds", "NaN"], "--drain-seconds"],
    [["--api-key", ""], "--api-key"],
    [["--log-level", "loud"], "--log-level"],
    [["--json"], "--json"],
    [["--nonsense"], "--nonsense"],
    [["extra"], "argument"],
  ])("%j is wrong: 2, and stderr names it", async (args, name) => {
    const { exit, written, loadedWith } = run(args);
    expect(await exit).toBe(2);
    expect(written.err).toContain(name);
    expect(written.out).toBe("");
    expect(loadedWith()).toBeUndefined();
  });
});

describe("--print-config", () => {
  it("prints every setting and where it comes from, as JSON too, and ends with 0", async () => {
    const args = ["--print-config", "--port", "9", "--api-key", "hush"];
    const table = run(args, { environment: { KVASIR_THREADS: "3" } });
    expect(await table.exit).toBe(0);
    expect(table.written.out).toMatch(/^port +9 +--port$/m);
    expect(table.written.out).toMatch(/^threads +3 +KVASIR_THREADS$/m);
    expect(table.written.out).toMatch(/^api-key +\*\*\* +--api-key$/m);
    const json = run([...args, "--json"]);
    expect(await json.exit).toBe(0);
    expect(JSON.parse(json.written.out)).toMatchObject({ port: { value: 9, from: "--port" } });
    expect(table.written.out + json.written.out).not.toContain("hush");
    expect(table.loadedWith()).toBeUndefined();
  });

  it("ends with 2 where a setting is wrong, and names it", async () => {
    const { exit, written } = run(["--port", "0"], { environment: { KVASIR_MAX_WAITING: "x" } });
    expect(await exit).toBe(2);
    expect(written.err).toBe("kvasir-server: KVASIR_MAX_WAITING: Expected an integer from 0 to 1000000.\n");
  });
});

describe("a server that can not start", () => {
  it.each<[string, readonly string[], Error, string]>([
    [
      "a checkpoint that does not load",
      [],
      new Error("config.json: layers: expected 1"),
      "config.json: layers",
    ],
    [
      "an option that the engine refuses",
      ["--kv-budget", "0.5"],
      new EngineError("invalid-options", "kvCache.budget: needs a policy", "kvCache.budget"),
      "--kv-budget: needs a policy",
    ],
    [
      "another option that the engine refuses",
      ["--kv-option", "sinks=0.5"],
      new EngineError("invalid-options", "kvCache.sinks: expected a whole number", "kvCache.sinks"),
      "--kv-option sinks: expected a whole number",
    ],
    [
      "a policy that nobody knows",
      ["--kv-policy", "lru"],
      new Error("loaded"),
      "--kv-policy: Policy lru: it is unknown",
    ],
    [
      "a file that is not there",
      ["--kv-policies", "./lru.js"],
      new Error("loaded"),
      "--kv-policies: Policy ./lru.js: there is no",
    ],
    [
      "an option without a value",
      ["--kv-option", "sinks"],
      new Error("loaded"),
      "--kv-option: expected name=value",
    ],
  ])("ends with 1 and one line about %s", async (_, args, failure, message) => {
    const { exit, written } = run(args, { load: () => Promise.reject(failure) });
    expect(await exit).toBe(1);
    expect(written.err).toContain(message);
    expect(written.err.trimEnd().split("\n")).toHaveLength(1);
  });

  it("ends with 1 where the model is not there, and says which ones are", async () => {
    const { exit, written } = run(["--model", "/nowhere/at/all"]);
    expect(await exit).toBe(1);
    expect(written.err).toBe(
      'kvasir-server: --model: "/nowhere/at/all" does not exist; the embedded models are tiny and tiny-lckv\n',
    );
  });

  it.each<[readonly string[], string]>([
    [["--admin", "--api-key", "k"], "--admin: goes only with a loopback --host"],
    [["--admin", "--host", "0.0.0.0"], "--admin: goes only with a loopback --host"],
    [["--slot-save-path", "/no/where"], "--slot-save-path: "],
    [["--kv-spill", "/tmp"], "--kv-spill and --kv-spill-bytes: expected both"],
    [["--api-key-file", "/no/where"], "--api-key-file: "],
  ])("ends with 1 for %j", async (args, message) => {
    const { exit, written, loadedWith } = run(args);
    expect(await exit).toBe(1);
    expect(written.err).toContain(`kvasir-server: ${message}`);
    expect(loadedWith()).toBeUndefined();
  });

  it("ends with 1 before anything is loaded where two keys have one name", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kvasir-"));
    await writeFile(join(folder, "keys"), "key1: abc");
    const { exit, written, loadedWith } = run(["--api-key", "k", "--api-key-file", join(folder, "keys")]);
    expect(await exit).toBe(1);
    expect(written.err).toContain("the API key's name key1 is given twice");
    expect(loadedWith()).toBeUndefined();
    await rm(folder, { recursive: true });
  });

  it("ends with 1 where the port is taken, and gives the engine back", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const { exit, written, engine } = run(["--port", String(port)]);
    expect(await exit).toBe(1);
    expect(written.err).toContain(`--port: ${port} of 127.0.0.1 is in use`);
    expect(engine.disposed).toBe(true);
    other.close();
  });
});

describe("a running server", () => {
  it("hands its flags to the engine", async () => {
    const flags = {
      "--model": "tiny-lckv",
      "--weights": "q8_0",
      "--kv-policy": "l2-norm",
      "--kv-budget": "0.5",
      "--kv-option": "protectLayers=0",
      "--kv-memory": "1.5MiB",
      "--kv-dtype": "f16",
      "--page-tokens": "32",
      "--threads": "2",
      "--backend": "interpreter",
      "--max-running": "3",
      "--max-waiting": "4",
      "--step-tokens": "64",
      "--step-milliseconds": "40",
      "--prefix-cache": "off",
      "--max-waiting-tokens": "900",
      "--kv-host-memory": "0",
      "--kv-spill": "/tmp",
      "--kv-spill-bytes": "1MiB",
      "--passes": "5",
      "--port": "0",
    };
    const { exit, signals, url, loadedWith } = run(Object.entries(flags).flat());
    await url();
    expect(loadedWith()).toMatchObject({
      model: expect.stringMatching(/tiny-lckv$/),
      weights: "q8_0",
      onLoadProgress: expect.any(Function),
      policies: [],
      kvCache: {
        policy: "l2-norm",
        budget: 0.5,
        protectLayers: [0],
        memory: 1_572_864,
        dtype: "f16",
        pageTokens: 32,
        hostMemory: 0,
        spill: { directory: "/tmp", bytes: 1_048_576 },
      },
      stepMilliseconds: 40,
      prefixCache: false,
      maxWaitingTokens: 900,
      threads: 2,
      backend: "interpreter",
      maxRunning: 3,
      maxWaiting: 4,
      stepTokens: 64,
      passes: 5,
    });
    signals.emit("SIGTERM");
    expect(await exit).toBe(0);
  });

  it("says where its settings come from, and no secret", async () => {
    for (const isTTY of [false, true]) {
      const args = ["--port", "0", "--admin-key", "hush", "--drain-seconds", "2"];
      const { exit, signals, written, url } = run(args, { isTTY });
      await url();
      signals.emit("SIGTERM");
      expect(await exit).toBe(0);
      if (isTTY) expect(written.out).toMatch(/drain-seconds +2 +--drain-seconds/);
      else expect(written.out).toContain('"drain-seconds":{"value":2,"from":"--drain-seconds"}');
      expect(written.out).not.toContain("hush");
    }
  });

  it("says at a terminal what it loaded and what to try", async () => {
    const { exit, signals, written, url } = run(["--port", "0"], { isTTY: true });
    const address = await url();
    for (const fact of [
      "fake (llama), 26.7 MiB of weights in q4_k, q6_k",
      "none, interpreter",
      "3 KV layers for 8 layers",
      "1,536 bytes per token",
      "3.0 MiB hold 2,048 tokens: 4.0 requests of full length (512 tokens)",
      "full: nothing is evicted",
      `curl -N ${address}/v1/completions`,
    ]) {
      expect(written.out).toContain(fact);
    }
    signals.emit("SIGINT");
    expect(await exit).toBe(0);
    expect(written.out).toContain("stopped");
  });

  it("logs JSON elsewhere, with a line per request", async () => {
    const { exit, signals, written, url } = run(["--port", "0"]);
    const body = JSON.stringify({ prompt: "a", max_tokens: 2 });
    const headers = { "Content-Type": "application/json" };
    const post = async (text: string) =>
      await (await fetch(`${await url()}/v1/completions`, { method: "POST", headers, body: text })).text();
    await post(body);
    await post(JSON.stringify({ prompt: "my secret", surprise: 1 }));
    signals.emit("SIGTERM");
    expect(await exit).toBe(0);
    const lines = written.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ msg: expect.stringContaining("listening on"), engine: { kvLayers: 3 } });
    expect(lines.find((line) => line.msg === "answered")).toMatchObject({
      path: "/v1/completions",
      promptTokens: 7,
      completionTokens: 2,
      cachedTokens: 3,
      finishReason: "length",
    });
    expect(lines.find((line) => line.msg === "refused")).toMatchObject({
      code: "unknown_parameter",
      param: "surprise",
    });
    expect(written.out).not.toContain("my secret");
  });

  it("asks for the API key, and warns where it is open to others without one", async () => {
    const closed = run(["--port", "0", "--api-key", "k"]);
    expect((await fetch(`${await closed.url()}/v1/models`)).status).toBe(401);
    expect((await fetch(`${await closed.url()}/health`)).status).toBe(200);
    closed.signals.emit("SIGTERM");
    await closed.exit;
    expect(closed.written.out).not.toContain("there is no --api-key");
    const open = run(["--port", "0", "--host", "0.0.0.0"]);
    await open.url();
    open.signals.emit("SIGTERM");
    expect(await open.exit).toBe(0);
    expect(open.written.out).toContain("there is no --api-key");
  });

  it("stopped while a request runs, lets it finish, then saves the cache, then ends with 0", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kvasir-"));
    const file = join(folder, "cache");
    const first = run(["--port", "0", "--cache-file", file, "--drain-seconds", "60"]);
    first.engine.hangAt = 2;
    const body = JSON.stringify({ prompt: "a", stream: true });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`${await first.url()}/v1/completions`, { method: "POST", headers, body });
    first.signals.emit("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(first.engine.calls).toEqual([]);
    first.engine.release();
    expect(await response.text()).toContain("[DONE]");
    expect(await first.exit).toBe(0);
    expect(first.engine.calls).toEqual([["saveCache", file]]);
    expect(first.engine.disposed).toBe(true);

    const second = run(["--port", "0", "--cache-file", file]);
    await second.url();
    expect(second.engine.calls).toEqual([["loadCache", file]]);
    expect(second.written.out).toContain('"msg":"loaded the cache"');
    second.signals.emit("SIGTERM");
    expect(await second.exit).toBe(0);
    await rm(folder, { recursive: true });
  });

  it("starts with an empty cache and says why where the engine refuses the file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kvasir-"));
    const file = join(folder, "cache");
    await writeFile(file, "");
    const engine = new OwnFakeEngine();
    engine.storeFailure = new SessionRefused("corrupt", "its checksum is wrong");
    const { exit, signals, written, url } = run(["--port", "0", "--cache-file", file], {
      load: async () => engine,
    });
    await url();
    expect(written.out).toMatch(
      /"code":"session_refused","reason":"corrupt: .*"msg":"did not load the cache"/,
    );
    engine.storeFailure = new Error("disk full");
    signals.emit("SIGTERM");
    expect(await exit).toBe(0);
    expect(written.out).toMatch(/"reason":"disk full","msg":"did not save the cache"/);
    await rm(folder, { recursive: true });
  });

  it("ends running requests at the second signal, and exits with 0", async () => {
    const { exit, signals, engine, url } = run(["--port", "0", "--drain-seconds", "3600"]);
    engine.hangAt = 2;
    const body = JSON.stringify({ prompt: "a", stream: true });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`${await url()}/v1/completions`, { method: "POST", headers, body });
    signals.emit("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(engine.disposed).toBe(false);
    signals.emit("SIGINT");
    expect(await exit).toBe(0);
    expect(await response.text()).toContain("shutting_down");
    expect(engine.disposed).toBe(true);
  });
});
