import { SingleBar } from "cli-progress";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type DeviceFlags, deviceFlags, wholeNumber } from "../device-flags.ts";
import { compare } from "./compare.ts";
import { comparisonMarkdown, comparisonText } from "./comparison-text.ts";
import { findPeer } from "./find-peer.ts";
import { type MeasureName, measureNames } from "./measure.ts";

type Flags = Required<Pick<DeviceFlags, "backend">> &
  Pick<DeviceFlags, "cpu"> & {
    readonly model: string;
    readonly peer: "node-llama-cpp" | "kvasir";
    readonly peerPath?: string;
    readonly peerFlash: "default" | "on" | "off";
    readonly peerChunk?: number;
    readonly chunk?: number;
    readonly threads: number;
    readonly repetitions: number;
    readonly only: readonly MeasureName[];
    readonly short: number;
    readonly long: number;
    readonly generate: number;
    readonly seed: number;
    readonly maxKl?: number;
    readonly json: boolean;
    readonly markdown: boolean;
  };

function measuresIn(text: string): readonly MeasureName[] {
  return text.split(",").map((name) => {
    const known = measureNames.find((one) => one === name);
    if (!known) throw new InvalidArgumentError(`Expected some of ${measureNames.join(", ")}.`);
    return known;
  });
}

function nats(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

/** `kvasir-bench compare`: Kvasir and another engine, in turns, on one file. */
export function compareCommand(program: Command): void {
  const command = deviceFlags(program.command("compare"), "native", 2);
  command
    .description("measure Kvasir and node-llama-cpp in turns on one GGUF file, once both compute the same")
    .requiredOption("--model <file>", "a GGUF file")
    .addOption(
      new Option("--peer <name>", "the other side; kvasir itself shows how far the machine's noise goes")
        .choices(["node-llama-cpp", "kvasir"])
        .default("node-llama-cpp"),
    )
    .option(
      "--peer-path <dir>",
      "where node-llama-cpp is installed (default: what the working directory resolves)",
    )
    .addOption(
      new Option("--peer-flash <state>", "its flash attention")
        .choices(["default", "on", "off"])
        .default("default"),
    )
    .option("--peer-chunk <tokens>", "its batchSize (default: its own)", wholeNumber(1, 65_536))
    .option("--chunk <tokens>", "our largest chunk of a prompt (default: 512)", wholeNumber(1, 65_536))
    .option("--repetitions <n>", "of every measure", wholeNumber(1, 1000), 5)
    .option("--only <measures>", `a comma between: ${measureNames.join(", ")}`, measuresIn, measureNames)
    .option("--short <tokens>", "the short prompt", wholeNumber(1, 2 ** 24), 512)
    .option("--long <tokens>", "the long prompt", wholeNumber(1, 2 ** 24), 4096)
    .option("--generate <tokens>", "tokens generated where decoding is measured", wholeNumber(1, 2 ** 20), 64)
    .option("--seed <n>", "of the random prompts", wholeNumber(0, 2 ** 31 - 1), 1)
    .option("--max-kl <nats>", "largest divergence allowed (default: 0.001; 0.01 for 4 to 6 bits)", nats)
    .option("--json", "print one JSON document", false)
    .option("--markdown", "print a Markdown table", false)
    .action(async (flags: Flags) => {
      const { model, threads, repetitions, seed, maxKl, chunk, short, long, generate, backend, cpu } = flags;
      const ours = {
        kind: "kvasir",
        backend,
        ...(cpu && { cpu }),
        ...(chunk !== undefined && { chunk }),
      } as const;
      const bar = new SingleBar({
        format: "{bar} {value}/{total} repetitions, with the check",
        stream: process.stderr,
        clearOnComplete: true,
      });
      const shown = process.stderr.isTTY && !flags.json;
      const total = repetitions + 1;
      if (shown) bar.start(total, 0);
      const comparison = await compare({
        model,
        threads,
        repetitions,
        seed,
        ours,
        peer:
          flags.peer === "kvasir"
            ? ours
            : {
                kind: "node-llama-cpp",
                module: await findPeer(flags.peerPath),
                flash: flags.peerFlash,
                ...(flags.peerChunk !== undefined && { chunk: flags.peerChunk }),
              },
        measures: flags.only,
        lengths: { short, long, generate },
        ...(maxKl !== undefined && { maxKl }),
        ...(shown && { onProgress: (done: number) => bar.update(done) }),
      }).finally(() => bar.stop());
      process.stdout.write(
        flags.json
          ? `${JSON.stringify(comparison)}\n`
          : flags.markdown
            ? comparisonMarkdown(comparison)
            : comparisonText(comparison),
      );
    });
}
