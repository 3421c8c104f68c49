import { execFile, spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { codeBlocks, runReadme } from "../../../.vitest/readme.ts";
import { runCommand } from "../src/command.ts";
import { RealServer } from "./real-server.ts";

const folder = path.join(import.meta.dirname, "..");
const shell = codeBlocks(path.join(folder, "README.md"), "sh");
const curls = shell.filter((block) => block.startsWith("curl "));
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
});
