import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [cli, "eviction-speed", "--backend", "auto", ...args], {
    timeout: 120_000,
  });
const small = ["--prompt", "300", "--generate", "20", "--budget", "0.4", "--repeat", "2"];

test("times each policy beside the whole prompt and a short one, and says what it kept", async () => {
  const { stdout } = await run(...small, "--policies", "l2-norm,snapkv", "--json");
  const { rows } = JSON.parse(stdout);
  expect(rows.map(({ name }: { name: string }) => name)).toEqual(["short", "full", "l2-norm", "snapkv"]);
  const [short, full, ...evicting] = rows;
  // Two tokens, 32 that settle and 20 that are timed; the last is never appended, and pages are of 16.
  expect(short.promptTokens).toBe(120);
  for (const row of [short, full])
    expect(Math.abs(row.residentTokens - (row.promptTokens + 53))).toBeLessThan(3);
  for (const row of evicting) {
    expect(row.residentTokens).toBeGreaterThan(0.4 * 300);
    // SnapKV keeps what is generated; the other evicts a page at a time.
    expect(row.residentTokens).toBeLessThan(row.name === "snapkv" ? 120 + 54 : 0.4 * 354 + 17);
    expect(row.kvBytes).toBeLessThan(full.kvBytes);
    expect(row.decodeRate.samples).toHaveLength(2);
    expect(row.againstFull.samples[1]).toBe(row.decodeRate.samples[1] / full.decodeRate.samples[1]);
    expect(row.againstShort.median).toBeGreaterThan(0);
  }
});

test("prints a table for people, and one for documents", async () => {
  const { stdout } = await run(...small, "--repeat", "1", "--policies", "window", "--markdown");
  expect(stdout).toMatch(/^\| policy \| prompt \|/m);
  expect(stdout).toMatch(/^\| window \| 300 \|/m);
});

test.each([
  [["--policies", "lru"], /lru/],
  [["--budget", "1.5"], /budget/],
  [["--prompt", "2000"], /2000 tokens/],
])("%j exits with an error that names the cause", async (flags, message) => {
  await expect(run(...flags)).rejects.toMatchObject({ stderr: expect.stringMatching(message) });
});
