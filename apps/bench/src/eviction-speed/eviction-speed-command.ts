import { type Command, Option } from "commander";
import { type EngineFlags, engineOf } from "../command-engine.ts";
import { withProgress } from "../command-progress.ts";
import { deviceFlags, wholeNumber } from "../device-flags.ts";
import { policyModuleFlags } from "../policy-flags.ts";
import { budget, layers, list, name } from "../quality/quality-flags.ts";
import type { Spread } from "../spread.ts";
import { markdownTable, textTable } from "../text-table.ts";
import { type EvictionSpeedReport, evictionSpeed } from "./eviction-speed.ts";

type Flags = EngineFlags & {
  readonly prompt: number;
  readonly generate: number;
  readonly policies: readonly string[];
  readonly budget: number;
  readonly protect: readonly number[];
  readonly repeat: number;
  readonly seed: number;
  readonly json: boolean;
  readonly markdown: boolean;
};

/** `kvasir-bench eviction-speed`: decoding after a long prompt, with policies and without. */
export function evictionSpeedCommand(program: Command): void {
  policyModuleFlags(deviceFlags(program.command("eviction-speed"), "native"))
    .description("measure how fast a model decodes after a long prompt when policies evict from it")
    .option("--model <dir>", "a checkpoint folder, a GGUF file, or tiny or tiny-lckv", "tiny")
    .option("--prompt <tokens>", "length of the prompt", wholeNumber(2, 2 ** 24), 800)
    .option("--generate <tokens>", "decoding steps that are timed", wholeNumber(1, 2 ** 20), 64)
    .option("--policies <names>", "a comma between", list(name), ["l2-norm", "h2o", "snapkv"])
    .option("--budget <budget>", "what a head keeps: a share up to 1, or tokens", budget, 0.1)
    .option("--protect <layers>", "KV layers that keep everything, like 0,1, or none", layers, [])
    .option("--repeat <n>", "rounds over all cases", wholeNumber(1, 1000), 3)
    .option("--seed <n>", "of the random prompts", wholeNumber(0, 2 ** 31 - 1), 1)
    .option("--kv-memory <bytes>", "memory for pages, like 512MiB")
    .addOption(
      new Option("--kv-dtype <type>", "format of pages").choices(["f32", "f16", "bf16"]).default("f16"),
    )
    .addOption(new Option("--json", "print one JSON document").default(false).conflicts("markdown"))
    .option("--markdown", "print a Markdown table", false)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { model, kvPolicies, kvMemory, kvDtype, json, markdown, protect, backend, cpu, threads, ...rest } =
    flags;
  const engine = await engineOf(flags);
  const report = await withProgress(json, (onProgress, signal) =>
    evictionSpeed({
      ...rest,
      protectLayers: protect,
      engine,
      onProgress,
      signal,
    }),
  );
  process.stdout.write(json ? `${JSON.stringify({ ...rest, protect, ...report })}\n` : text(flags, report));
}

function text(
  { prompt, budget, generate, repeat, markdown, protect }: Flags,
  report: EvictionSpeedReport,
): string {
  const { info, conditions, rows } = report;
  const header = [
    ...["policy", "prompt", "prompt tok/s", "second token ms", "decode tok/s"],
    ...["x full", "x short", "resident", "KV MiB"],
  ];
  const cells = rows.map((row) => [
    row.name,
    String(row.promptTokens),
    row.promptRate.median.toFixed(0),
    row.secondTokenMs.median.toFixed(0),
    spread(row.decodeRate, 1),
    spread(row.againstFull, 2),
    spread(row.againstShort, 2),
    row.residentTokens.toFixed(0),
    (row.kvBytes / 2 ** 20).toFixed(1),
  ]);
  const kept = protect.length > 0 ? `, KV layers ${protect.join(", ")} whole` : "";
  return (
    `${info.model} on ${info.device}, ${info.kvDtype} pages: budget ${budget} of ${prompt} tokens${kept}, ${generate} steps timed, median (lowest to highest) of ${repeat}\n` +
    `${conditions.cpu}, ${conditions.processors} processors, ${conditions.date}, load before ${conditions.loadBefore.toFixed(1)}\n\n` +
    `${(markdown ? markdownTable : textTable)(header, cells)}\n`
  );
}

const spread = ({ median, low, high }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
