import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { type DeviceFlags, deviceFlags, deviceOptions } from "./device-flags.ts";
import { modelFolder } from "./model-folder.ts";
import { textTable } from "./text-table.ts";
import { tolerance, type Verification, verify } from "./verify.ts";

/** `kvasir-bench verify <checkpoint-dir>`: exit 0 when everything that is judged passes, else 1. */
export function verifyCommand(program: Command): void {
  deviceFlags(program.command("verify"))
    .argument(
      "<checkpoint-dir>",
      "a folder with expected.json and expected.safetensors, or tiny or tiny-lckv",
    )
    .description("compare a checkpoint's logits and greedy ids with those recorded beside it")
    .option("--all", "on every instruction-set level of this machine and in the interpreter", false)
    .option("--json", "print one JSON document", false)
    .action(async (name: string, flags: DeviceFlags & { all: boolean; json: boolean }) => {
      const folder = modelFolder(name);
      await stat(folder).catch(() => {
        throw new Error(`${folder}: no such folder`);
      });
      const results: Verification[] = [];
      for await (const result of verify(folder, { all: flags.all, device: deviceOptions(flags) })) {
        results.push(result);
        if (process.stderr.isTTY) process.stderr.write(`\r${results.length} runs done `);
      }
      if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
      const passed = results.every((result) => result.passed);
      if (flags.json) {
        process.stdout.write(`${JSON.stringify({ checkpoint: folder, tolerance, passed, results })}\n`);
      } else {
        const rows = results.map((one) => [
          one.backend,
          String(one.chunk),
          String(one.passes),
          one.largestDifference.toExponential(2),
          one.greedyAgrees ? "same" : "different",
          one.exact ? (one.passed ? "pass" : "FAIL") : "approximate, not judged",
        ]);
        const header = ["backend", "chunk", "passes", "largest difference", "greedy ids", "verdict"];
        process.stdout.write(
          `${textTable(header, rows)}\n${passed ? "verified" : "NOT verified"}: ${folder}\n`,
        );
      }
      if (!passed) process.exitCode = 1;
    });
}
