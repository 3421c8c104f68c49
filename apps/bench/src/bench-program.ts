import { Command } from "commander";
import { benchVersion } from "./bench-version.ts";
import { compareCommand } from "./compare/compare-command.ts";
import { evictionSpeedCommand } from "./eviction-speed/eviction-speed-command.ts";
import { newPolicyCommand } from "./new-policy/new-policy-command.ts";
import { qualityCommand } from "./quality/quality-command.ts";
import { figures } from "./reproduce/figures.ts";
import { reproduceCommand } from "./reproduce/reproduce-command.ts";
import { rooflineCommand } from "./roofline/roofline-command.ts";
import { serveCommand } from "./serve/serve-command.ts";
import { sharedPrefixCommand } from "./shared-prefix/shared-prefix-command.ts";
import { synthesizeCommand } from "./synthesize/synthesize-command.ts";
import { throughputCommand } from "./throughput-command.ts";
import { tuneCommand } from "./tune/tune-command.ts";
import { verifyCommand } from "./verify-command.ts";

/** The `kvasir-bench` command line. */
export function benchProgram(): Command {
  const program = new Command("kvasir-bench")
    .description("verify checkpoints, measure what the KV cache costs, and compare with other engines")
    .version(benchVersion())
    .showHelpAfterError();
  verifyCommand(program);
  throughputCommand(program);
  synthesizeCommand(program);
  compareCommand(program);
  rooflineCommand(program);
  sharedPrefixCommand(program);
  qualityCommand(program);
  tuneCommand(program);
  evictionSpeedCommand(program);
  serveCommand(program);
  reproduceCommand(program, figures);
  newPolicyCommand(program);
  return program;
}
