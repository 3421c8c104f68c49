import { readPolicyFlags } from "@kvasir/kv-policies";
import { SingleBar } from "cli-progress";
import { type Command, Option } from "commander";
import { type DeviceFlags, deviceFlags, deviceOptions, wholeNumber } from "./device-flags.ts";
import { modelFolder } from "./model-folder.ts";
import { inPolicyFlags, type OnePolicyFlags, onePolicyFlags } from "./policy-flags.ts";
import { textTable } from "./text-table.ts";
import { throughput } from "./throughput.ts";

type Flags = DeviceFlags &
  OnePolicyFlags & {
    readonly model: string;
    readonly prompt: number;
    readonly generate: number;
    readonly batch: readonly number[];
    readonly repeat: number;
    readonly seed: number;
    readonly chunk?: number;
    readonly kvMemory?: string;
    readonly kvDtype: "f32" | "f16" | "bf16";
    readonly json: boolean;
  };

function batches(text: string): readonly number[] {
  return text.split(",").map(wholeNumber(1, 4096));
}

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

/** `kvasir-bench throughput`: tokens a second and memory, over batch sizes. */
export function throughputCommand(program: Command): void {
  onePolicyFlags(deviceFlags(program.command("throughput"), "native"))
    .description("measure prompt and generation throughput, peak KV bytes and peak memory")
    .option("--model <dir>", "a checkpoint folder, a GGUF file, or tiny or tiny-lckv", "tiny")
    .option("--prompt <tokens>", "length of each prompt", wholeNumber(1, 2 ** 24), 256)
    .option("--generate <tokens>", "tokens generated after each", wholeNumber(1, 2 ** 24), 64)
    .option("--batch <sizes>", "requests that run together, a comma between sizes", batches, [1, 4, 16])
    .option("--repeat <n>", "runs of each size after a warm-up; the median counts", wholeNumber(1, 1000), 3)
    .option("--seed <n>", "of the random prompts", wholeNumber(0, 2 ** 31 - 1), 1)
    .option("--chunk <tokens>", "largest chunk of a prompt in a step (default: 512)", wholeNumber(1, 65_536))
    .option("--kv-memory <bytes>", "memory for pages, like 512MiB")
    .addOption(
      new Option("--kv-dtype <type>", "format of pages").choices(["f32", "f16", "bf16"]).default("f16"),
    )
    .option("--json", "print one JSON document", false)
    .action(async (flags: Flags) => {
      const { prompt, generate, batch, repeat, seed } = flags;
      const { choice, policies } = await readPolicyFlags(flags);
      const bar = new SingleBar({
        format: "{bar} {value}/{total} runs",
        stream: process.stderr,
        clearOnComplete: true,
      });
      const shown = process.stderr.isTTY && !flags.json;
      if (shown) bar.start(batch.length * (repeat + 1), 0);
      const report = await throughput(
        {
          prompt,
          generate,
          repeat,
          seed,
          batches: batch,
          engine: {
            ...deviceOptions(flags),
            model: modelFolder(flags.model),
            ...(flags.chunk !== undefined && {
              stepTokens: Math.max(512, flags.chunk),
              chunkTokens: flags.chunk,
            }),
            policies,
            kvCache: {
              ...choice,
              dtype: flags.kvDtype,
              ...(flags.kvMemory !== undefined && { memory: flags.kvMemory }),
            },
          },
        },
        (done) => shown && bar.update(done),
      )
        .catch((error: unknown) => {
          throw inPolicyFlags(error);
        })
        .finally(() => bar.stop());
      const { info, rows } = report;
      if (flags.json) {
        process.stdout.write(`${JSON.stringify({ prompt, generate, repeat, seed, ...report })}\n`);
        return;
      }
      const header = ["batch", "prompt tok/s", "generation tok/s", "peak KV MiB", "peak RSS MiB"];
      const cells = rows.map((row) => [
        String(row.batch),
        row.promptRate.toFixed(1),
        Number.isNaN(row.generationRate) ? "-" : row.generationRate.toFixed(1),
        mebibytes(row.peakKvBytes),
        mebibytes(row.peakRss),
      ]);
      process.stdout.write(
        `${info.model} on ${info.device}: ${prompt} + ${generate} tokens, policy ${info.policy}, ${info.kvDtype} pages, median of ${repeat}\n` +
          `${textTable(header, cells)}\n`,
      );
    });
}
