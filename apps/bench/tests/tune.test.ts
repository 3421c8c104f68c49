import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const small = [
  "--policies",
  "l2-norm",
  "--protect",
  "none",
  "--windows",
  "2",
  "--prompt",
  "64",
  "--tokens",
  "4",
];
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [cli, "tune", "--backend", "auto", ...small, ...args], {
    timeout: 120_000,
  });

test("one JSON document; bytes are read as well as shares", async () => {
  const { stdout } = await run("--memory", "1MiB", "--max-kl", "5", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    format: "kvasir-tune",
    formatVersion: 1,
    model: { model: "tiny" },
    settings: { policies: ["l2-norm"], protect: [[]], memory: 2 ** 20, maxKl: 5, seed: 1 },
    limits: { kvBytes: 2 ** 20, divergence: 5 },
    n: { windows: 2, tokens: 8, candidates: 1 },
    full: { policy: "full", flags: ["--kv-policy", "full", "--kv-dtype", "f16"] },
    nearest: [],
  });
});

test("where nothing meets both limits, it says so and exits with 1", async () => {
  await expect(run("--memory", "0.5", "--max-kl", "0")).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^Nothing that was tried is within both limits/m),
    stderr: "",
  });
});

test.each([
  [["--max-kl", "1"], /--memory/],
  [["--memory", "1"], /--max-kl/],
  [["--memory", "0", "--max-kl", "1"], /memory.*share of the full cache/],
  [["--memory", "3 parsecs", "--max-kl", "1"], /memory.*like 96KiB/],
  [["--memory", "1", "--max-kl", "-1"], /max-kl.*from 0/],
  [["--memory", "1", "--max-kl", ""], /max-kl.*from 0/],
  [["--memory", "1", "--max-kl", "1", "--windows", "1"], /windows/],
  [["--memory", "1", "--max-kl", "1", "--policies", "lru"], /lru/],
  [["--memory", "1", "--max-kl", "1", "--policies", "full"], /policies: expected one that evicts/],
])("%j exits with an error that names the cause", async (flags, message) => {
  await expect(run(...flags)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
});
