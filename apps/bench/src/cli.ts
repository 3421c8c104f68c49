#!/usr/bin/env node
import { benchProgram } from "./bench-program.ts";
import { inFlags } from "./policy-flags.ts";

try {
  await benchProgram().parseAsync();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`kvasir-bench: ${inFlags(message)}\n`);
  process.exitCode = 1;
}
