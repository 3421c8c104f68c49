import { type Command, InvalidArgumentError, Option } from "commander";
import { type EngineFlags, engineOf } from "../command-engine.ts";
import { withProgress } from "../command-progress.ts";
import { deviceFlags, wholeNumber } from "../device-flags.ts";
import { policyModuleFlags } from "../policy-flags.ts";
import { list, name, protection } from "../quality/quality-flags.ts";
import { tune } from "./tune.ts";
import { defaultTuneSettings, type TuneSettings } from "./tune-settings.ts";
import { tuneText } from "./tune-text.ts";

type Flags = EngineFlags &
  TuneSettings & {
    readonly text?: string;
    readonly batch: number;
    readonly json: boolean;
  };

const units = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

function memory(text: string): number {
  const [, number = "", unit = ""] = /^(\d*\.?\d+)(KiB|MiB|GiB)?$/.exec(text) ?? [];
  const value = Number(number) * units[unit as keyof typeof units];
  if (number !== "" && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError(
    "Expected a share of the full cache above 0 and up to 1, or bytes like 96KiB.",
  );
}

function nats(text: string): number {
  const value = Number(text);
  if (/\d/.test(text) && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Expected a number from 0.");
}

/** `kvasir-bench tune`: which policy and budget to take, for a memory limit and a divergence from the full cache. */
export function tuneCommand(program: Command): void {
  const defaults = defaultTuneSettings;
  policyModuleFlags(deviceFlags(program.command("tune"), "native"))
    .description("find the policies and budgets that meet a memory limit and stay close to the full cache")
    .option("--model <dir>", "a checkpoint folder, a GGUF file, or tiny or tiny-lckv", "tiny")
    .requiredOption(
      "--memory <amount>",
      "pages of one request while it decodes --tokens: a share of the full cache's up to 1, or bytes like 96KiB",
      memory,
    )
    .requiredOption(
      "--max-kl <nats>",
      "largest mean KL divergence from the full cache that is tolerable",
      nats,
    )
    .option("--policies <names>", "a comma between", list(name), defaults.policies)
    .addOption(
      new Option("--protect <layers>", "KV layers that keep everything: like 0,1, or none, or both of these")
        .argParser(protection)
        .default(defaults.protect, "both"),
    )
    .option("--sinks <n>", "first tokens that no policy evicts", wholeNumber(0, 65_536), defaults.sinks)
    .option("--recent <n>", "newest tokens that no policy evicts", wholeNumber(1, 65_536), defaults.recent)
    .option("--text <file>", "a text (default: text that the model itself draws)")
    .option(
      "--windows <n>",
      "stretches of text to judge on; as many steer",
      wholeNumber(2, 32_768),
      defaults.windows,
    )
    .option("--prompt <tokens>", "of a window, read at once", wholeNumber(1, 2 ** 24), defaults.prompt)
    .option("--tokens <n>", "of a window, decoded and judged", wholeNumber(1, 2 ** 20), defaults.tokens)
    .option("--batch <n>", "windows that run together", wholeNumber(1, 4096), 16)
    .option("--seed <n>", "of texts and random eviction", wholeNumber(0, 2 ** 31 - 1), defaults.seed)
    .option("--kv-memory <bytes>", "memory for pages of all that runs together, like 512MiB")
    .addOption(
      new Option("--kv-dtype <type>", "format of pages").choices(["f32", "f16", "bf16"]).default("f16"),
    )
    .option("--json", "print one JSON document", false)
    .addHelpText("after", "\nExits with 1 where nothing meets both limits.")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { model, kvPolicies, text, batch, kvDtype, kvMemory, json, backend, cpu, threads, ...settings } =
    flags;
  const engine = await engineOf(flags);
  const report = await withProgress(json, (onProgress, signal) =>
    tune({
      engine,
      settings,
      batch,
      command: ["kvasir-bench", ...process.argv.slice(2)].join(" "),
      ...(text !== undefined && { text }),
      onProgress,
      signal,
    }),
  );
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : tuneText(report));
  if (report.frontier.length === 0) process.exitCode = 1;
}
