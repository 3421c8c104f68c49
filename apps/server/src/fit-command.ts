import { type FitOptions, fitReport } from "@kvasir/core";
import { readPolicyFlags } from "@kvasir/kv-policies";
import { Command, CommanderError, Option } from "commander";
import { findModel } from "./find-model.ts";
import { fitText } from "./fit-text.ts";
import { budget, bytes, collect, integer, pageTokens } from "./flag-values.ts";
import { loadingFailure, type Terminal } from "./loading.ts";

type Environment = Readonly<Record<string, string | undefined>>;

type FitFlags = {
  readonly model: string;
  readonly modelCache?: string;
  readonly weights?: "q8_0" | "q4_0" | "q4_k";
  readonly ctx?: number;
  readonly parallel?: number;
  readonly kvDtype?: "f32" | "f16" | "bf16";
  readonly pageTokens?: 16 | 32;
  readonly kvPolicy?: string;
  readonly kvPolicies?: readonly string[];
  readonly kvOption?: readonly string[];
  readonly kvBudget?: number;
  readonly kvMemory?: number;
  readonly stepTokens?: number;
  readonly memory?: number;
  readonly json?: boolean;
};

/** `kvasir-server fit`, without anything that it does. */
export function fitCommandLine(write: {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}): Command {
  return new Command("kvasir-server fit")
    .description("Says what a model takes and what would fit, without loading it.")
    .exitOverride()
    .configureOutput({ writeOut: write.out, writeErr: write.err })
    .allowExcessArguments(false)
    .option("--model <model>", "as the server's; of a hub, only once it is downloaded", "tiny")
    .option("--model-cache <folder>", "as the server's")
    .addOption(new Option("--weights <type>", "as the server's").choices(["q8_0", "q4_0", "q4_k"]))
    .option(
      "--ctx <tokens>",
      "tokens of one request (default: the model's context)",
      integer(1, 1_000_000_000),
    )
    .option("--parallel <number>", "requests of that length at once (default: 1)", integer(1, 4096))
    .addOption(new Option("--kv-dtype <type>", "as the server's").choices(["f32", "f16", "bf16"]))
    .option("--page-tokens <number>", "as the server's", pageTokens)
    .option("--kv-policy <policy>", "as the server's")
    .option("--kv-policies <module>", "as the server's; repeatable", collect)
    .option("--kv-budget <amount>", "as the server's", budget)
    .option("--kv-option <name=value>", "as the server's; repeatable", collect)
    .option("--kv-memory <bytes>", "what keys and values have to fit into", bytes)
    .option("--step-tokens <number>", "as the server's", integer(1, 65_536))
    .option(
      "--memory <bytes>",
      "what everything has to fit into (default: what this process may take)",
      bytes,
    )
    .option("--json", "print JSON");
}

/** Prints the report. Resolves to the exit code: 0 where it fits, 3 where not, 1 for a model that does not load, 2 for wrong usage. */
export async function runFit(
  args: readonly string[],
  {
    stdout,
    stderr,
    environment = {},
  }: { readonly stdout: Terminal; readonly stderr: Terminal; readonly environment?: Environment },
): Promise<number> {
  const command = fitCommandLine({
    out: (text) => stdout.write(text),
    err: (text) => stderr.write(text),
  });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const flags: FitFlags = command.opts();
  try {
    const report = await fitReport(await toFitOptions(flags, environment));
    stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : fitText(report));
    return report.fits ? 0 : 3;
  } catch (error) {
    stderr.write(`kvasir-server fit: ${loadingFailure(error)}\n`);
    return 1;
  }
}

async function toFitOptions(flags: FitFlags, environment: Environment): Promise<FitOptions> {
  const model = await findModel({ ...flags, offline: true, environment }, (_, work) => work(() => {}));
  const { choice, policies } = await readPolicyFlags(flags);
  const { weights, ctx, parallel, stepTokens, memory, kvDtype, kvMemory, pageTokens } = flags;
  return {
    model,
    policies,
    kvCache: {
      ...choice,
      ...(kvDtype && { dtype: kvDtype }),
      ...(pageTokens && { pageTokens }),
      ...(kvMemory && { memory: kvMemory }),
    },
    ...(weights && { weights }),
    ...(ctx && { context: ctx }),
    ...(parallel && { parallel }),
    ...(stepTokens && { stepTokens }),
    ...(memory && { memory }),
  };
}
