import { stat } from "node:fs/promises";
import { quantizeTargets } from "@kvasir/runtime";
import { SingleBar } from "cli-progress";
import { type Command, Option } from "commander";
import { wholeNumber } from "../device-flags.ts";
import type { SynthesizedType } from "./encode-numbers.ts";
import { type ModelShapeName, modelShapeNames } from "./model-shape.ts";
import { synthesize } from "./synthesize.ts";

type Flags = {
  readonly shape: ModelShapeName;
  readonly weights: SynthesizedType;
  readonly out: string;
  readonly seed: number;
  readonly vocab?: string;
};

/** `kvasir-bench synthesize`: a GGUF file of random weights. */
export function synthesizeCommand(program: Command): void {
  program
    .command("synthesize")
    .description("write a GGUF file of random weights, to measure and to test with")
    .addOption(
      new Option("--shape <name>", "sizes and architecture")
        .choices(modelShapeNames)
        .default("tinyllama-1.1b"),
    )
    .addOption(
      new Option("--weights <type>", "type of the matrices")
        .choices(["f32", "f16", "bf16", ...quantizeTargets])
        .default("q8_0"),
    )
    .requiredOption("--out <path>", "the file; one that is there is replaced")
    .option("--seed <n>", "of the weights", wholeNumber(0, 2 ** 32 - 1), 1)
    .option("--vocab <path>", "a GGUF file whose vocabulary is copied (default: one made up)")
    .action(async (flags: Flags) => {
      const bar = new SingleBar({
        format: "{bar} {percentage}% of {mebibytes} MiB, {eta_formatted} left",
        stream: process.stderr,
        clearOnComplete: true,
      });
      let started = false;
      const onProgress = (written: number, total: number) => {
        const mebibytes = Math.round(total / 2 ** 20);
        if (!started) bar.start(total, 0, { mebibytes });
        started = true;
        bar.update(written, { mebibytes });
      };
      const begin = performance.now();
      await synthesize({ ...flags, ...(process.stderr.isTTY && { onProgress }) }).finally(() => bar.stop());
      const { size } = await stat(flags.out);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      process.stdout.write(`${flags.out}: ${flags.shape}, ${flags.weights}, ${size} bytes in ${seconds} s\n`);
    });
}
