import { access, constants, writeFile } from "node:fs/promises";
import path from "node:path";
import { openDevice } from "@kvasir/kernels";
import { type Command, InvalidArgumentError, Option } from "commander";
import { benchVersion } from "../bench-version.ts";
import { withProgress } from "../command-progress.ts";
import { conditionsNow } from "../conditions.ts";
import { type DeviceFlags, deviceFlags, deviceOptions, wholeNumber } from "../device-flags.ts";
import { number } from "../serve/flag-values.ts";
import { machineClock } from "./clock.ts";
import type { Figure, ReproduceSettings } from "./figure.ts";
import { figureList } from "./figure-list.ts";
import { readHeldOutText } from "./held-out-text.ts";
import { reproduceHtml } from "./html/reproduce-html.ts";
import { outcomeLine } from "./outcome-line.ts";
import { makeReportFolder, writeReport } from "./report/report-files.ts";
import { reportText } from "./report/report-text.ts";
import { reproduceReport } from "./report/reproduce-report.ts";
import { reproduceShapes } from "./reproduce-shape.ts";
import { runFigures } from "./run-figures.ts";
import { SavedParts } from "./saved-parts.ts";

type Flags = DeviceFlags & {
  readonly shape: keyof typeof reproduceShapes;
  readonly minutes?: number;
  readonly seed: number;
  readonly text?: string;
  readonly out?: string;
  readonly state?: string;
  readonly fresh: boolean;
  readonly list: boolean;
  readonly json: boolean;
  readonly html?: string;
};

/** What `all` takes and where it goes, unless flags say otherwise. */
const allDefaults = { minutes: 40, out: "reproduction" };

/** `kvasir-bench reproduce`: figures of papers, made again on this software and this machine. */
export function reproduceCommand(program: Command, figures: readonly Figure[]): void {
  const names = figures.map(({ name }) => name);
  const command = program
    .command("reproduce")
    .description("make figures and tables of papers again, and say where they agree")
    .argument("[figures...]", `${names.join(", ")}, or all of them with all`);
  deviceFlags(command, "native")
    .addOption(
      new Option("--shape <name>", "of models with random weights")
        .choices(Object.keys(reproduceShapes))
        .default("125m"),
    )
    .option(
      "--minutes <n>",
      `what may be measured in that time, the most telling first (default: everything; ${allDefaults.minutes} for all)`,
      number(0, 10_000, true),
    )
    .option("--seed <n>", "of weights, ids and draws", wholeNumber(0, 2 ** 31 - 1), 1)
    .option(
      "--text <file>",
      "what is measured on text takes it from there (default: a story that comes with it)",
    )
    .option(
      "--out <dir>",
      `write report.html, report.json and README.md there, and keep finished parts (default for all: ${allDefaults.out})`,
    )
    .option("--state <file>", "where finished parts are kept (default: parts.jsonl in --out)")
    .option("--fresh", "forget the finished parts of these figures", false)
    .option("--list", "print what there is, and about how long it takes", false)
    .option("--json", "print one JSON document", false)
    .option("--html <file>", "also write a report with charts")
    .addHelpText("after", "\nExits with 1 where a part failed, and with 130 where it was interrupted.")
    .action((chosen: readonly string[], flags: Flags) =>
      run(figuresNamed(figures, flags.list && chosen.length === 0 ? ["all"] : chosen), {
        ...(chosen.includes("all") && allDefaults),
        ...flags,
      }),
    );
}

function figuresNamed(figures: readonly Figure[], chosen: readonly string[]): readonly Figure[] {
  const names = ["all", ...figures.map(({ name }) => name)];
  const unknown = chosen.find((name) => !names.includes(name));
  if (unknown !== undefined || chosen.length === 0) {
    throw new InvalidArgumentError(
      `figures: expected ${names.join(", ")}${unknown === undefined ? "" : `, received ${unknown}`}`,
    );
  }
  return figures.filter(({ name }) => chosen.includes("all") || chosen.includes(name));
}

async function run(figures: readonly Figure[], flags: Flags): Promise<void> {
  const { out, json, html, minutes, seed, text, fresh } = flags;
  const conditions = conditionsNow();
  using device = openDevice(deviceOptions(flags));
  const settings: ReproduceSettings = {
    shape: reproduceShapes[flags.shape],
    device,
    deviceOptions: deviceOptions(flags),
    seed,
    ...(text !== undefined && { text: await readHeldOutText(text) }),
  };
  if (flags.list) {
    process.stdout.write(figureList(figures, settings));
    return;
  }
  if (out !== undefined) await makeReportFolder(out);
  // Found out now rather than when everything is measured.
  if (html !== undefined) await access(path.dirname(path.resolve(html)), constants.W_OK);
  const circumstances = {
    shape: flags.shape,
    seed,
    version: benchVersion(),
    machine: {
      cpu: conditions.cpu,
      processors: conditions.processors,
      device: device.description,
    },
  };
  const state = flags.state ?? (out === undefined ? undefined : path.join(out, "parts.jsonl"));
  const warn = (warning: string) => process.stderr.write(`kvasir-bench: ${warning}\n`);
  const saved =
    state === undefined ? SavedParts.none(circumstances) : await SavedParts.open(state, circumstances, warn);
  if (fresh) await saved.forget(figures.map(({ name }) => name));
  const begun = machineClock.now();
  let interrupted = false;
  const lines = !process.stderr.isTTY && !json;
  const outcomes = await withProgress(json, async (onProgress, signal) => {
    const found = await runFigures({
      ...{ figures, settings, saved, clock: machineClock, signal, onProgress },
      ...(minutes !== undefined && { minutes }),
      onOutcome: (outcome) => lines && process.stderr.write(`${outcomeLine(outcome)}\n`),
    });
    interrupted = signal.aborted;
    return found;
  });
  const report = reproduceReport(figures, settings, outcomes, {
    command: ["kvasir-bench", ...process.argv.slice(2)].join(" "),
    conditions,
    seconds: machineClock.now() - begun,
  });
  if (out !== undefined) await writeReport(out, report);
  if (html !== undefined) await writeFile(html, reproduceHtml(report));
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : reportText(report));
  if (report.figures.some(({ failed }) => failed)) process.exitCode = 1;
  if (interrupted) process.exitCode = 130;
}
