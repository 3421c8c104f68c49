import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { withProgress } from "../command-progress.ts";
import { type DeviceFlags, deviceFlags, deviceOptions, wholeNumber } from "../device-flags.ts";
import { list } from "../quality/quality-flags.ts";
import type { Spread } from "../spread.ts";
import { markdownTable, textTable } from "../text-table.ts";
import { type SharedPrefixReport, sharedPrefix } from "./shared-prefix.ts";

type Flags = DeviceFlags & {
  readonly sequences: readonly number[];
  readonly prefixes: readonly number[];
  readonly own: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kvDtype: "f32" | "f16" | "bf16";
  readonly repetitions: number;
  readonly json: boolean;
  readonly markdown: boolean;
};

/** Whole pages. */
function prefixIn(text: string): number {
  const tokens = wholeNumber(16, 2 ** 20)(text);
  if (tokens % 16 === 0) return tokens;
  throw new InvalidArgumentError("Expected multiples of 16.");
}

/** `kvasir-bench shared-prefix`: attention to a prefix in the same pages for all sequences, and in pages of each. */
export function sharedPrefixCommand(program: Command): void {
  deviceFlags(program.command("shared-prefix"), "native", Math.min(availableParallelism(), 256))
    .description("measure decoding attention over a prefix whose pages sequences share")
    .option(
      "--sequences <counts>",
      "that decode together, a comma between",
      list(wholeNumber(1, 1024)),
      [16, 32],
    )
    .option(
      "--prefixes <tokens>",
      "that all of them begin with, a comma between; multiples of 16",
      list(prefixIn),
      [1024, 2048, 4096],
    )
    .option("--own <tokens>", "of each sequence after them", wholeNumber(0, 2 ** 20), 64)
    .option("--heads <n>", "query heads", wholeNumber(1, 1024), 32)
    .option("--kv-heads <n>", "a divisor of --heads", wholeNumber(1, 1024), 8)
    .option("--head-dim <n>", "elements of a head, even", wholeNumber(2, 1024), 128)
    .addOption(
      new Option("--kv-dtype <type>", "format of pages").choices(["f32", "f16", "bf16"]).default("f16"),
    )
    .option("--repetitions <n>", "steps of either side, in turns", wholeNumber(1, 10_000), 15)
    .addOption(new Option("--json", "print one JSON document").default(false).conflicts("markdown"))
    .option("--markdown", "print a Markdown table", false)
    .action(async (flags: Flags) => {
      const { kvDtype, json, markdown, ...options } = flags;
      const report = await withProgress(json, (onProgress, signal) =>
        sharedPrefix({ ...options, device: deviceOptions(flags), dtype: kvDtype, onProgress, signal }),
      );
      process.stdout.write(
        json ? `${JSON.stringify(report)}\n` : text(flags, report, markdown ? markdownTable : textTable),
      );
    });
}

function text(
  flags: Flags,
  { conditions, device, rows }: SharedPrefixReport,
  table: typeof textTable,
): string {
  const { cpu, processors, node, loadBefore, date } = conditions;
  const { heads, kvHeads, headDim, kvDtype, repetitions } = flags;
  const lines = table(
    ["sequences", "shared", "own", "unshared ms", "shared ms", "unshared / shared"],
    rows.map((row) => [
      ...[row.sequences, row.prefix, row.own].map(String),
      ...[row.unshared, row.shared, row.ratio].map(spread),
    ]),
  );
  const what = `${heads} heads of ${headDim} over ${kvHeads} KV heads, ${kvDtype} pages; medians of ${repetitions} (lowest-highest)`;
  return `${cpu}, ${processors} processors; ${device}; Node.js ${node}; load ${loadBefore.toFixed(2)}; ${date.slice(0, 10)}\n${what}\n\n${lines}\n`;
}

function spread({ median, low, high }: Spread): string {
  const [middle, from, to] = [median, low, high].map((value) => value.toPrecision(3));
  return `${middle} (${from}-${to})`;
}
