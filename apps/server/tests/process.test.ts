import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { OutsideFolder } from "../../../.vitest/outside-folder.ts";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const core = fileURLToPath(new URL("../../../packages/core/dist/index.js", import.meta.url));
const built = existsSync(cli) && existsSync(core);

function start(...args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [cli, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const written = { out: "", err: "" };
  child.stdout?.on("data", (data) => (written.out += data));
  child.stderr?.on("data", (data) => (written.err += data));
  return { child, written, exit: once(child, "exit").then(([code]) => code as number | null) };
}

const small = ["--port", "0", "--kv-memory", "16MiB"];

async function urlOf({ child, written }: ReturnType<typeof start>): Promise<string> {
  for (;;) {
    const match = /"url":"(http:[^"]+)"/.exec(written.out);
    if (match) return match[1]!;
    if (child.exitCode !== null) throw new Error(`it ended: ${written.err}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.skipIf(!built)("the built command, as a process of its own (needs npm run build)", () => {
  it("serves, lets a stream finish at SIGTERM and ends with 0", async () => {
    const run = start("--port", "0", "--kv-memory", "16MiB", "--model", "tiny-lckv");
    const url = await urlOf(run);
    const response = await fetch(`${url}/v1/completions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ prompt: "Once upon a time", max_tokens: 24, ignore_eos: true, stream: true }),
    });
    run.child.kill("SIGTERM");
    expect(await response.text()).toContain("data: [DONE]");
    expect(await run.exit).toBe(0);
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });

  it("ends at once and with 0 at the second signal", async () => {
    const run = start("--port", "0", "--kv-memory", "16MiB", "--drain-seconds", "3600");
    const response = await fetch(`${await urlOf(run)}/v1/completions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ prompt: "a", max_tokens: 1000, ignore_eos: true, stream: true }),
    });
    run.child.kill("SIGINT");
    while (!run.written.out.includes("stopping")) await new Promise((resolve) => setTimeout(resolve, 5));
    run.child.kill("SIGINT");
    expect(await response.text()).toContain("shutting_down");
    expect(await run.exit).toBe(0);
  });

  it("says in one line which checkpoint does not load, and ends with 1", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kvasir-"));
    try {
      await writeFile(join(directory, "config.json"), '{"model_type": "llama"');
      for (const [model, cause] of [
        [directory, "config.json"],
        [join(directory, "nothing"), "does not exist"],
      ] as const) {
        const run = start("--model", model, "--port", "0");
        expect(await run.exit).toBe(1);
        expect(run.written.err).toContain(cause);
        expect(run.written.err.trimEnd().split("\n")).toHaveLength(1);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("says which flag the engine refuses, and ends with 1", async () => {
    const run = start("--kv-budget", "0.5", "--port", "0");
    expect(await run.exit).toBe(1);
    expect(run.written.err).toContain("kvasir-server: --kv-budget: ");
    expect(run.written.err).not.toContain("kvCache");
  });

  it("loads a policy of a file, says so, and uses it for requests that name none", async () => {
    const folder = new OutsideFolder();
    const file = folder.writePolicy("mine.mjs", "mine");
    const run = start(...small, "--kv-policy", file, "--kv-budget", "0.5", "--kv-option", "protectLayers=0");
    const models = await (await fetch(`${await urlOf(run)}/v1/models`)).json();
    expect(models).toMatchObject({
      data: [{ kvasir: { policy: "mine", policyOptions: { budget: 0.5, protectLayers: [0] } } }],
    });
    expect(run.written.out).toContain(
      `"policy":"mine","from":${JSON.stringify(file)},"msg":"loaded a policy"`,
    );
    run.child.kill("SIGTERM");
    expect(await run.exit).toBe(0);
    folder.remove();
  });

  it("says in one line which check a policy of a file fails, or which option it refuses, and ends with 1", async () => {
    const folder = new OutsideFolder();
    const right = folder.writePolicy("mine.mjs", "mine");
    const wrong = folder.writePolicy("wrong.mjs", "wrong", "", "keyNorm.map(() => Number.NaN)");
    for (const [flags, cause] of [
      [
        ["--kv-policies", wrong],
        /^kvasir-server: --kv-policies: Policy wrong: it fails the check "keeps .*NaN/,
      ],
      [
        ["--kv-policy", right, "--kv-option", "gain=1"],
        /^kvasir-server: --kv-option gain: .*"gain" is unknown/,
      ],
      [["--kv-option", "sinks=3"], /^kvasir-server: --kv-option sinks: .*takes no options/],
    ] as const) {
      const run = start(...small, ...flags);
      expect(await run.exit).toBe(1);
      expect(run.written.err).toMatch(cause);
      expect(run.written.err.trimEnd().split("\n")).toHaveLength(1);
    }
    folder.remove();
  });

  it("refuses a wrong flag with 2", async () => {
    const run = start("--port", "many");
    expect(await run.exit).toBe(2);
    expect(run.written.err).toContain("--port");
  });
});
