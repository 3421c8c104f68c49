import { createRequire } from "node:module";
import { Command } from "commander";
import { synthesizeCommand } from "./synthesize/synthesize-command.ts";
import { throughputCommand } from "./throughput-command.ts";
import { verifyCommand } from "./verify-command.ts";

/** The `kvasir-bench` command line. */
export function benchProgram(): Command {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  const program = new Command("kvasir-bench")
    .description("verify checkpoints and measure what the KV cache costs")
    .version(version)
    .showHelpAfterError();
  verifyCommand(program);
  throughputCommand(program);
  synthesizeCommand(program);
  return program;
}
