import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** A checkout without sources, where a build ends as soon as it has the lock. */
let checkout: string;
let lock: string;
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "kvasir-build-"));
  const own = join(checkout, "packages", "kernels");
  mkdirSync(join(own, "build"), { recursive: true });
  for (const name of ["build-native.mjs", "package.json"]) copyFileSync(join(root, name), join(own, name));
  symlinkSync(join(root, "node_modules"), join(own, "node_modules"), "dir");
  lock = join(own, "build", "lock");
});
afterEach(() => rmSync(checkout, { recursive: true }));

function build(): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const env = { ...process.env, KVASIR_REQUIRE_NATIVE: "" };
  const child = spawn(process.execPath, [join(checkout, "packages", "kernels", "build-native.mjs")], { env });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
  });
}

describe("the lock of the native build", () => {
  it("is taken from a build that is no more", async () => {
    const ended = spawn(process.execPath, ["--version"]);
    await new Promise((resolve) => ended.on("close", resolve));
    writeFileSync(lock, String(ended.pid));
    const { code, stderr } = await build();
    expect(stderr).toContain("the native kernels are not built: there are no sources");
    expect(code).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });

  it("is waited for while its build runs", async () => {
    writeFileSync(lock, String(process.pid));
    const waiting = build();
    const first = await Promise.race([
      waiting.then(() => "built"),
      new Promise((resolve) => setTimeout(resolve, 1000, "waits")),
    ]);
    expect(first).toBe("waits");
    rmSync(lock);
    expect((await waiting).code).toBe(0);
  });
});
