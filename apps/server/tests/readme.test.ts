import { execFile, spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { codeBlocks, runReadme } from "../../../.vitest/readme.ts";
import { runCommand } from "../src/command.ts";
import { AppClient, chat, completions, errorOf, hello } from "./app-client.ts";
import { RealServer } from "./real-server.ts";

const folder = path.join(import.meta.dirname, "..");
const readme = readFileSync(path.join(folder, "README.md"), "utf8");
const shell = codeBlocks(path.join(folder, "README.md"), "sh");
const curls = shell.filter((block) => block.startsWith("curl "));
/** First cells of the tables under a heading. */
const cells = (heading: string) =>
  [
    ...readme
      .split(`\n## ${heading}\n`)[1]!
      .split("\n## ")[0]!
      .matchAll(/^\| (`.*?) \|/gm),
  ]
    .flatMap((match) => [...match[1]!.matchAll(/`([^`]+)`/g)])
    .map((match) => match[1]!);

const cacheFields = "policy budget sinks recent min_tokens protect_layers prefill decode".split(" ");

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

describe.skipIf(!hasCurl)("the README's curl commands (they need curl)", () => {
  let real: RealServer;
  beforeAll(async () => {
    real = await RealServer.start();
  });
  afterAll(async () => await real.stop());

  it("are there", () => {
    expect(curls.length).toBeGreaterThanOrEqual(5);
    expect(curls[0]).toContain('"stream": true');
  });

  it.each(curls)("work: %s", async (command) => {
    const here = command.replaceAll("http://127.0.0.1:8080", real.server.url);
    expect(here).not.toBe(command);
    const { stdout } = await promisify(execFile)("bash", [
      "-c",
      `curl() { command curl --no-progress-meter --fail-with-body "$@"; }; ${here}`,
    ]);
    if (command.includes('"stream": true')) {
      const events = stdout.trim().split("\n\n");
      expect(events.length).toBeGreaterThan(3);
      expect(events.at(-1)).toBe("data: [DONE]");
    } else {
      expect(JSON.parse(stdout)).toHaveProperty("object");
    }
  });
});

describe("the README", () => {
  it("has an example that runs as it is", async () => {
    expect(await runReadme(folder)).toContain("object: 'list'");
  });

  it("has example commands that start a server", async () => {
    const commands = shell
      .flatMap((block) => block.split("\n"))
      .filter((line) => line.startsWith("kvasir-server "));
    expect(commands).toHaveLength(1);
    for (const command of commands) {
      const signals = new EventEmitter();
      const written = { out: "", err: "" };
      const stdout = { write: (text: string) => (written.out += text) };
      const stderr = { write: (text: string) => (written.err += text) };
      const exit = runCommand([...command.split(" ").slice(1), "--port", "0"], {
        stdout,
        stderr,
        signals,
        environment: {},
      });
      const listening = vi.waitFor(() => expect(written.out).toContain("listening on"), { timeout: 30_000 });
      await Promise.race([listening, exit]);
      signals.emit("SIGTERM");
      expect([await exit, written.err]).toEqual([0, ""]);
    }
  });

  it("names only fields that are known, and a wrong value of each is refused by its name", async () => {
    const client = new AppClient();
    const fields = cells("Fields of a request");
    expect(fields.length).toBeGreaterThan(25);
    // Where the tables of the two endpoints share a name, both know it.
    for (const field of new Set(fields)) {
      const inCache = cacheFields.includes(field);
      const wrong = inCache ? { kv_cache: { [field]: {} } } : { [field]: { wrong: {} } };
      const param = inCache ? `kv_cache.${field}` : field;
      const errors = [
        await errorOf(await client.post(completions, { prompt: "a", ...wrong })),
        await errorOf(await client.post(chat, { ...hello, ...wrong })),
      ];
      const known = errors.filter((error) => error.code !== "unknown_parameter" || error.param !== param);
      expect([field, known.length > 0]).toEqual([field, true]);
      for (const error of known) {
        expect(error.param?.startsWith(param), `${field}: ${error.param}`).toBe(true);
      }
    }
  });

  it("names every code of an error that the sources have", () => {
    const sources = new URL("../src/", import.meta.url);
    const codes = readdirSync(sources, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(new URL(file, sources), "utf8"))
      .flatMap((source) => [...source.matchAll(/new ApiError\(\s*\d{3},\s*"([a-z_]+)"/g)])
      .map((match) => match[1]);
    expect(codes.length).toBeGreaterThan(15);
    const section = readme.split("\n## Errors\n")[1]!.split("\n## ")[0]!;
    for (const code of codes) expect(section).toContain(`\`${code}\``);
  });
});
