import { writeFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type EngineFlags, engineOf } from "../command-engine.ts";
import { withProgress } from "../command-progress.ts";
import { deviceFlags, wholeNumber } from "../device-flags.ts";
import { policyModuleFlags } from "../policy-flags.ts";
import { qualityHtml } from "./html/quality-html.ts";
import { quality } from "./quality.ts";
import { budget, list, name, protection } from "./quality-flags.ts";
import { defaultSettings, type QualitySettings } from "./quality-settings.ts";
import { qualityText } from "./quality-text.ts";

type Flags = EngineFlags &
  QualitySettings & {
    readonly text?: string;
    readonly batch: number;
    readonly json: boolean;
    readonly html?: string;
  };

function depth(text: string): number {
  const value = Number(text);
  if (text !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Expected numbers from 0 to 1.");
}

/** `kvasir-bench quality`: what eviction policies keep of a model's quality, and what memory they free. */
export function qualityCommand(program: Command): void {
  const defaults = defaultSettings;
  policyModuleFlags(deviceFlags(program.command("quality"), "native"))
    .description("measure what eviction policies keep of a model's quality, and the memory they free")
    .option("--model <dir>", "a checkpoint folder, a GGUF file, or tiny or tiny-lckv", "tiny")
    .option("--policies <names>", "a comma between; random is always measured", list(name), defaults.policies)
    .option("--budgets <budgets>", "shares up to 1, or numbers of tokens", list(budget), defaults.budgets)
    .addOption(
      new Option("--protect <layers>", "KV layers that keep everything: like 0,1, or none, or both of these")
        .argParser(protection)
        .default(defaults.protect, "both"),
    )
    .option("--sinks <n>", "first tokens that no policy evicts", wholeNumber(0, 65_536), defaults.sinks)
    .option("--recent <n>", "newest tokens that no policy evicts", wholeNumber(1, 65_536), defaults.recent)
    .option("--text <file>", "a text (default: text that the model itself draws)")
    .option("--windows <n>", "stretches of text", wholeNumber(2, 65_536), defaults.windows)
    .option("--prompt <tokens>", "of a window, read at once", wholeNumber(1, 2 ** 24), defaults.prompt)
    .option("--tokens <n>", "of a window, decoded and judged", wholeNumber(1, 2 ** 20), defaults.tokens)
    .option("--lengths <tokens>", "of needle prompts", list(wholeNumber(1, 2 ** 24)), defaults.lengths)
    .option("--depths <depths>", "where the key lies, from 0 to 1", list(depth), defaults.depths)
    .option("--samples <n>", "prompts for each length and depth", wholeNumber(1, 1024), defaults.samples)
    .option("--keys <n>", "in a multi-key prompt", wholeNumber(2, 8), defaults.keys)
    .addOption(
      new Option("--question <when>", "whether a policy sees a needle's question before it first evicts")
        .choices(["seen", "unseen"])
        .default(defaults.question),
    )
    .option("--batch <n>", "windows and prompts that run together", wholeNumber(1, 4096), 16)
    .option("--seed <n>", "of texts, keys and random eviction", wholeNumber(0, 2 ** 31 - 1), defaults.seed)
    .option("--kv-memory <bytes>", "memory for pages, like 512MiB")
    .addOption(
      new Option("--kv-dtype <type>", "format of pages").choices(["f32", "f16", "bf16"]).default("f16"),
    )
    .option("--json", "print one JSON document", false)
    .option("--html <file>", "also write a report with charts")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const {
    model,
    kvPolicies,
    text,
    batch,
    kvDtype,
    kvMemory,
    json,
    html,
    backend,
    cpu,
    threads,
    ...settings
  } = flags;
  const engine = await engineOf(flags);
  const report = await withProgress(json, (onProgress, signal) =>
    quality({
      engine,
      settings,
      batch,
      command: ["kvasir-bench", ...process.argv.slice(2)].join(" "),
      ...(text !== undefined && { text }),
      onProgress,
      signal,
    }),
  );
  if (html !== undefined) await writeFile(html, qualityHtml(report));
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : qualityText(report));
}
