import path from "node:path";
import type { Command } from "commander";
import { newPolicy } from "./new-policy.ts";

/** `kvasir-bench new-policy`: an npm package to begin an eviction policy with. */
export function newPolicyCommand(program: Command): void {
  program
    .command("new-policy")
    .description("write an npm package with an eviction policy of your own, and its test")
    .argument("<name>", "of the policy and the package: lower-case words joined by hyphens")
    .option("--dir <folder>", "where to write it: an empty folder or a new one (default: one of that name)")
    .action(async (name: string, flags: { readonly dir?: string }) => {
      const files = await newPolicy({ name, ...flags });
      const shown = files.map((file) => path.relative(process.cwd(), file) || file);
      const folder = path.dirname(shown[0]!);
      const next = `${folder === "." ? "" : `cd ${folder} && `}npm install && npm test`;
      process.stdout.write(`${shown.join("\n")}\n\nNext: ${next}\n`);
    });
}
