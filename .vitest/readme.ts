import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { ModuleKind, ScriptTarget, transpile } from "typescript";

/** The fenced blocks of one language on a page, in order. */
export function codeBlocks(page: string, language: string): string[] {
  const fence = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs");
  return Array.from(readFileSync(page, "utf8").matchAll(fence), ([, block]) => block!);
}

/** Runs Node in a package's folder, where its own name is its build, and returns what it prints. */
export async function runNode(folder: string, ...args: string[]): Promise<string> {
  // Vitest points NODE_PATH at packages that nobody declared.
  const { NODE_PATH: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env });
  return stdout;
}

/** Runs TypeScript as a user of the package would, on what was built; `await using` is lowered for Node 20. */
export function runExample(folder: string, code: string): Promise<string> {
  const module = transpile(code, { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 });
  return runNode(folder, "--input-type=module", "--eval", module);
}

/** Runs the first TypeScript example of a package's README and returns what it prints. */
export function runReadme(folder: string): Promise<string> {
  return runExample(folder, codeBlocks(`${folder}/README.md`, "ts")[0]!);
}
