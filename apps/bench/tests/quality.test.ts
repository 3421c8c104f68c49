import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [cli, "quality", "--backend", "auto", ...args], { timeout: 120_000 });

const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-bench-quality-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const small = ["--policies", "l2-norm", "--budgets", "48", "--protect", "0", "--windows", "2"];
small.push("--prompt", "80", "--tokens", "8", "--lengths", "150", "--depths", "0.5", "--samples", "1");

test("one JSON document, and one HTML file that says how it came about", async () => {
  const html = path.join(scratch, "report.html");
  const text = path.join(scratch, "text.txt");
  writeFileSync(text, "It was a dark and stormy night; the rain fell in torrents. ".repeat(60));
  const { stdout } = await run(...small, "--text", text, "--json", "--html", html);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    format: "kvasir-quality",
    formatVersion: 1,
    model: { model: "tiny" },
    text: { source: "text.txt", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    settings: { policies: ["l2-norm"], budgets: [48], protect: [[0]], seed: 1 },
    n: { windows: 2, tokens: 16, passkey: 1, "multi-key": 1 },
  });
  expect(report.rows.map(({ policy }: { policy: string }) => policy)).toEqual(["full", "random", "l2-norm"]);
  const estimate = { value: expect.any(Number), low: expect.any(Number), high: expect.any(Number) };
  for (const row of report.rows) {
    for (const measure of ["perplexity", "perplexityRatio", "divergence", "sameTop"]) {
      expect(row[measure]).toEqual({ ...estimate, n: 2 });
    }
    expect(row.needles).toEqual({ passkey: { ...estimate, n: 1 }, "multi-key": { ...estimate, n: 1 } });
  }
  const written = readFileSync(html, "utf8");
  expect(written).toMatch(/^<!doctype html>/);
  expect(written).toContain("--budgets 48 --protect 0");
});

test.each([
  [["--policies", "lru"], /lru/],
  [["--budgets", "1.5"], /budgets.*shares up to 1/],
  [["--protect", "some"], /protect/],
  [["--protect", "8"], /protectLayers/],
  [["--windows", "1"], /windows/],
  [["--depths", "2"], /depths/],
  [["--prompt", "1020"], /prompt and tokens: expected at most 1023 .* received 1028/],
  [["--lengths", "1020"], /lengths: expected at most 1008/],
  [["--lengths", "20"], /lengths: expected at least/],
  [["--text", "/does/not/exist"], /does.not.exist/],
])("%j exits with an error that names the cause", async (flags, message) => {
  await expect(run(...small, ...flags)).rejects.toMatchObject({ stderr: expect.stringMatching(message) });
});
