import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [cli, ...args], { timeout: 120_000 });

const small = [
  "throughput",
  "--backend",
  "auto",
  "--prompt",
  "100",
  "--generate",
  "9",
  "--batch",
  "1,3",
  "--repeat",
  "1",
];

test("throughput reports a row for each batch, and the KV bytes that the pages take", async () => {
  const { stdout } = await run(...small, "--json");
  const { rows, info } = JSON.parse(stdout);
  expect(rows.map(({ batch }: { batch: number }) => batch)).toEqual([1, 3]);
  for (const { batch, promptRate, generationRate, peakKvBytes, peakRss } of rows) {
    expect(promptRate).toBeGreaterThan(0);
    expect(generationRate).toBeGreaterThan(0);
    expect(peakRss).toBeGreaterThan(info.weightBytes);
    // The last token is never appended: 108 slots of 16 a page.
    expect(peakKvBytes).toBe(batch * Math.ceil(108 / 16) * 16 * info.bytesPerToken);
  }
});

test("an eviction policy shows in the KV bytes", async () => {
  const { stdout } = await run(...small, "--kv-policy", "streaming-llm", "--kv-budget", "48", "--json");
  const full = JSON.parse((await run(...small, "--json")).stdout);
  const evicted = JSON.parse(stdout);
  expect(evicted.rows[1].peakKvBytes).toBeLessThanOrEqual(full.rows[1].peakKvBytes);
  expect(evicted.info.policy).toBe("streaming-llm");
});

test("options of a policy reach it", async () => {
  const flags = [
    "--kv-policy",
    "adaptive+snapkv",
    "--kv-option",
    "alphaSafeguard=0.5",
    "--kv-option",
    "pooling=avg",
  ];
  const { stdout } = await run(...small, ...flags, "--kv-option", "protectLayers=0", "--json");
  expect(JSON.parse(stdout).info).toMatchObject({
    policy: "adaptive+snapkv",
    policyOptions: { alphaSafeguard: 0.5, pooling: "avg", protectLayers: [0] },
  });
});

test("for people it prints a table", async () => {
  const { stdout } = await run(...small);
  expect(stdout).toMatch(/batch +prompt tok\/s +generation tok\/s +peak KV MiB +peak RSS MiB/);
});

test.each([
  [["--batch", "0"], /batch/],
  [["--kv-policy", "lru"], /^kvasir-bench: --kv-policy: Policy lru: it is unknown/],
  [["--kv-policy", "./lru.js"], /^kvasir-bench: --kv-policy: Policy .\/lru.js: there is no file/],
  [["--kv-policy", "h2o", "--kv-option", "recentShare=2"], /^kvasir-bench: --kv-option recentShare: .*0..1/],
  [["--kv-policy", "h2o", "--kv-budget", "1.5"], /^kvasir-bench: --kv-budget: /],
  [["--kv-memory", "much"], /^kvasir-bench: --kv-memory: /],
  [["--prompt", "2000"], /2000 tokens/],
  [["--nonsense"], /nonsense/],
])("%j exits with an error that names the cause", async (flags, message) => {
  await expect(run("throughput", "--backend", "auto", ...flags)).rejects.toMatchObject({
    stderr: expect.stringMatching(message),
  });
});
