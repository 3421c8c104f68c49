#!/usr/bin/env node
import { benchProgram } from "./bench-program.ts";

try {
  await benchProgram().parseAsync();
} catch (error) {
  process.stderr.write(`kvasir-bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
