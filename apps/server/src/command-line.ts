import { Command, InvalidArgumentError, Option } from "commander";
import { formatBytes, parseBytes } from "./quantity.ts";

/** The flags, checked one by one; those that were not given are undefined or have their default. */
export type Flags = {
  readonly model: string;
  readonly weights?: "q8_0" | "q4_0" | "q4_k";
  readonly host: string;
  readonly port: number;
  readonly kvPolicy?: string;
  readonly kvPolicies?: readonly string[];
  readonly kvOption?: readonly string[];
  readonly kvBudget?: number;
  readonly kvMemory?: number;
  readonly kvDtype?: "f32" | "f16" | "bf16";
  readonly pageTokens?: 16 | 32;
  readonly threads?: number;
  readonly backend: "auto" | "native" | "interpreter";
  readonly maxRunning?: number;
  readonly maxWaiting: number;
  readonly stepTokens?: number;
  readonly passes?: number;
  readonly apiKey?: string;
  readonly bodyLimit: number;
  readonly drainSeconds: number;
  readonly logLevel: string;
  readonly logFormat?: "text" | "json";
};

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** The command, without anything that it does. Parsing throws `CommanderError`; `write` gets its texts. */
export function commandLine(
  version: string,
  write: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Command {
  return new Command("kvasir-server")
    .description("OpenAI-compatible HTTP server over Kvasir.")
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: write.out, writeErr: write.err })
    .showHelpAfterError("(kvasir-server --help lists the options)")
    .allowExcessArguments(false)
    .option(
      "--model <path>",
      "a checkpoint folder, a GGUF file, or an embedded model: tiny, tiny-lckv",
      "tiny",
    )
    .addOption(
      new Option("--weights <type>", "quantise float weights while loading (default: as they are)").choices([
        "q8_0",
        "q4_0",
        "q4_k",
      ]),
    )
    .option("--host <address>", "where to listen; 0.0.0.0 lets other machines in", "127.0.0.1")
    .option("--port <number>", "0 for any free one", integer(0, 65_535), 8080)
    .option(
      "--kv-policy <policy>",
      "eviction policy: a name like snapkv or adaptive+h2o, a file like ./mine.js, or a package (default: full)",
    )
    .option(
      "--kv-policies <module>",
      "a file or package whose policies requests may name; repeatable",
      collect,
    )
    .option("--kv-budget <amount>", "what each head keeps: a share up to 1, or a number of tokens", budget)
    .option("--kv-option <name=value>", "another option of the policy; repeatable", collect)
    .option(
      "--kv-memory <bytes>",
      "memory for the KV cache, like 512MiB (default: what is free, bounded)",
      bytes,
    )
    .addOption(new Option("--kv-dtype <type>", "format of keys and values").choices(["f32", "f16", "bf16"]))
    .addOption(
      new Option("--page-tokens <number>", "slots of a page: 16 (default) or 32").argParser(pageTokens),
    )
    .option("--threads <number>", "CPU threads (default: one per core)", integer(1, 256))
    .addOption(
      new Option("--backend <name>", "what computes")
        .choices(["auto", "native", "interpreter"])
        .default("auto"),
    )
    .option("--max-running <number>", "requests that run at once (default: 64)", integer(1, 4096))
    .option(
      "--max-waiting <number>",
      "requests that may wait; one more gets a 429",
      integer(0, 1_000_000),
      256,
    )
    .option("--step-tokens <number>", "tokens of one step (default: 512)", integer(1, 65_536))
    .option("--passes <number>", "passes over a prompt for cyclic layer maps", integer(1, 10_000))
    .addOption(
      new Option("--api-key <key>", "ask every request but those for health for this key")
        .env("KVASIR_API_KEY")
        .argParser(apiKey),
    )
    .addOption(
      new Option("--body-limit <bytes>", "the largest body of a request")
        .argParser(bytes)
        .default(8 * 1024 * 1024, formatBytes(8 * 1024 * 1024)),
    )
    .option("--drain-seconds <number>", "time for running requests when stopped", seconds, 10)
    .addOption(new Option("--log-level <level>", "what to log").choices(levels).default("info"))
    .addOption(
      new Option("--log-format <format>", "default: text at a terminal, else json").choices(["text", "json"]),
    );
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected an integer from ${low} to ${high}.`);
  };
}

function budget(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && (value <= 1 || Number.isSafeInteger(value))) return value;
  throw new InvalidArgumentError("Expected a share above 0 and up to 1, or a whole number of tokens.");
}

function bytes(text: string): number {
  const value = parseBytes(text);
  if (value !== undefined) return value;
  throw new InvalidArgumentError("Expected a number of bytes, like 536870912 or 512MiB.");
}

function pageTokens(text: string): 16 | 32 {
  if (text === "16" || text === "32") return text === "16" ? 16 : 32;
  throw new InvalidArgumentError("Expected 16 or 32.");
}

function seconds(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 86_400) return value;
  throw new InvalidArgumentError("Expected a number of seconds from 0 to 86400.");
}

function apiKey(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new InvalidArgumentError("Expected printable ASCII characters without spaces.");
}
