import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const checkpoints = fileURLToPath(new URL("../../../packages/runtime/tests/checkpoints", import.meta.url));
const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-verify-"));
afterAll(() => rmSync(scratch, { recursive: true }));

type Run = { readonly code: number; readonly stdout: string; readonly stderr: string };
const bench = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });

function copy(name: string): string {
  const folder = mkdtempSync(path.join(scratch, `${name}-`));
  cpSync(path.join(checkpoints, name), folder, { recursive: true });
  return folder;
}

describe.each(["llama-gqa", "llama-tied-hd32", "lckv-w2", "lckv-w2-nodiag", "cla2", "yoco"])("%s", (name) => {
  test("verifies on every level and in the interpreter", async () => {
    const { code, stdout } = await bench("verify", path.join(checkpoints, name), "--all", "--json");
    const report = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report.passed).toBe(true);
    const cyclic = name.startsWith("lckv");
    const backends = new Set(report.results.map(({ backend }: { backend: string }) => backend));
    expect(backends).toContain("interpreter");
    expect(report.results).toHaveLength(backends.size * (cyclic ? 3 : 2));
    for (const { exact, largestDifference } of report.results)
      if (exact) expect(largestDifference).toBeLessThan(2e-4);
  });
});

test.each(["tiny", "tiny-lckv"])("the embedded model %s verifies", async (name) => {
  const { code, stdout } = await bench("verify", name);
  expect(stdout).toContain("verified");
  expect(code).toBe(0);
});

test("one edited number in expected.safetensors makes it exit 1", async () => {
  const folder = copy("llama-gqa");
  const file = path.join(folder, "expected.safetensors");
  const bytes = readFileSync(file);
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  bytes.writeFloatLE(bytes.readFloatLE(data + 400) + 0.001, data + 400);
  writeFileSync(file, bytes);
  const { code, stdout } = await bench("verify", folder);
  expect(code).toBe(1);
  expect(stdout).toContain("NOT verified");
});

test("another greedy id makes it exit 1", async () => {
  const folder = copy("llama-gqa");
  const file = path.join(folder, "expected.json");
  const json = JSON.parse(readFileSync(file, "utf8"));
  json.greedy[5] = (json.greedy[5] + 1) % 320;
  writeFileSync(file, JSON.stringify(json));
  expect((await bench("verify", folder)).code).toBe(1);
});

test.each<[string, (folder: string) => void, RegExp]>([
  ["no folder", (folder) => rmSync(folder, { recursive: true }), /no such folder/],
  ["no expected.json", (folder) => rmSync(`${folder}/expected.json`), /expected\.json/],
  ["no weights", (folder) => rmSync(`${folder}/model.safetensors`), /model\.safetensors/],
  ["a config that is not JSON", (folder) => writeFileSync(`${folder}/config.json`, "{"), /config\.json/],
  [
    "cut weights",
    (folder) =>
      writeFileSync(
        `${folder}/model.safetensors`,
        readFileSync(`${folder}/model.safetensors`).subarray(0, 90_000),
      ),
    /model\.safetensors/,
  ],
])("%s exits 1 with a message that names the cause", async (_, spoil, message) => {
  const folder = copy("llama-gqa");
  spoil(folder);
  const { code, stderr, stdout } = await bench("verify", folder);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain("    at ");
  expect(stdout).toBe("");
});
