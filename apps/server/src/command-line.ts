import { Command, Option } from "commander";
import {
  budget,
  bytes,
  bytesOrNone,
  collect,
  integer,
  key,
  keys,
  pageTokens,
  seconds,
  url,
} from "./flag-values.ts";
import { formatBytes } from "./quantity.ts";

/** Flags that may be given several times; a variable has their values between spaces, a file in an array. */
export const repeatable: ReadonlySet<string> = new Set(["kv-policies", "kv-option", "api-key"]);

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
    .addHelpText(
      "after",
      "\n`kvasir-server fit --help`: what a model takes and what would fit, without loading it.\nEvery flag has a variable (KVASIR_PORT for --port) and a key in the file of --config (port).",
    )
    .showHelpAfterError("(kvasir-server --help lists the options)")
    .allowExcessArguments(false)
    .option(
      "--model <model>",
      "a checkpoint folder, a GGUF file, an embedded model (tiny, tiny-lckv), or one of a hub: org/name, org/name@revision, org/name:file.gguf",
      "tiny",
    )
    .option(
      "--model-cache <folder>",
      "where models of a hub are kept (default: $HF_HOME/kvasir or ~/.cache/kvasir)",
    )
    .option("--hub-url <url>", "the hub to ask (default: $HF_ENDPOINT, or the usual one)", url)
    .option("--offline", "use models of a hub that are there, and ask nobody")
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
    .option(
      "--kv-host-memory <bytes>",
      "memory for pages of preempted requests; 0: none (default: a quarter of the KV memory)",
      bytesOrNone,
    )
    .option("--kv-spill <folder>", "where a file for such pages may be (default: nowhere)")
    .option("--kv-spill-bytes <bytes>", "how large that file may be", bytes)
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
    .option(
      "--max-waiting-tokens <number>",
      "prompt tokens that may wait; then a 429 (default: 1000000)",
      integer(1, 1_000_000_000),
    )
    .option("--request-deadline <seconds>", "fail requests that take longer (default: none)", seconds(0.001))
    .option("--step-tokens <number>", "tokens of one step (default: 512)", integer(1, 65_536))
    .option(
      "--step-milliseconds <number>",
      "how long a step may take while answers are streamed (default: 100)",
      integer(1, 60_000),
    )
    .addOption(
      new Option("--prefix-cache <switch>", "keep prefixes for requests that begin with them")
        .choices(["on", "off"])
        .default("on"),
    )
    .option("--passes <number>", "passes over a prompt for cyclic layer maps", integer(1, 10_000))
    .addOption(
      new Option("--api-key <key>", "ask every request but those for health for a key; repeatable").argParser(
        keys,
      ),
    )
    .option("--api-key-file <file>", "more keys, one a line: name:key, or a key alone")
    .option("--share-prefixes", "let all keys use each other's cached prefixes")
    .option("--cache-secret <secret>", "enters the salts of keys' prefixes and files", key)
    .option("--admin-key <key>", "opens the routes of administration", key)
    .option("--admin", "opens them without a key: on a loopback address, without API keys")
    .option("--cache-file <file>", "load the cache from it when starting, and save it there when stopped")
    .option("--slot-save-path <folder>", "where sessions and caches are saved (default: nowhere)")
    .addOption(
      new Option("--body-limit <bytes>", "the largest body of a request")
        .argParser(bytes)
        .default(8 * 1024 * 1024, formatBytes(8 * 1024 * 1024)),
    )
    .option("--drain-seconds <number>", "time for running requests when stopped", seconds(0), 10)
    .option("--stall-seconds <number>", "without a step for so long, not ready", seconds(1), 60)
    .addOption(
      new Option("--metrics-compat <names>", "metrics under these names besides ours").choices(["vllm"]),
    )
    .addOption(new Option("--log-level <level>", "what to log").choices(levels).default("info"))
    .option("--config <file>", "settings that neither flags nor KVASIR_* variables say: YAML or JSON")
    .option("--print-config", "print all settings and where they come from, and end")
    .option("--json", "with --print-config: as JSON")
    .addOption(
      new Option("--log-format <format>", "default: text at a terminal, else json").choices(["text", "json"]),
    );
}
