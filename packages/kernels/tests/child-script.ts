import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";

const root = join(import.meta.dirname, "..");

export type Ended = {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs TypeScript, which may import from `../src/` and `../tests/`, in a Node process of its own. */
export async function runScript(source: string, env: Record<string, string> = {}): Promise<Ended> {
  mkdirSync(join(root, "build"), { recursive: true });
  // Inside the package, because the loader looks for the package's folder above the code.
  const folder = mkdtempSync(join(root, "build", "test-"));
  try {
    const entry = join(folder, "script.ts");
    writeFileSync(entry, source.replaceAll('from "../', 'from "../../'));
    await build({
      configFile: false,
      logLevel: "error",
      build: { ssr: entry, outDir: folder, emptyOutDir: false, target: "node20", minify: false },
    });
    return await run(join(folder, "script.js"), env);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(script: string, env: Record<string, string>): Promise<Ended> {
  const child = spawn(process.execPath, ["--expose-gc", script], { env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
