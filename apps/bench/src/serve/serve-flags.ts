import { type Command, Option } from "commander";
import { wholeNumber } from "../device-flags.ts";
import { fields, number, pairs, range } from "./flag-values.ts";
import {
  defaultLoadSettings,
  type LatencyName,
  type LoadSettings,
  latencyNames,
  type Range,
  type SaltKind,
  type WorkloadName,
  workloadNames,
} from "./load-settings.ts";

/** Flags that become settings. */
export type ServeFlags = {
  readonly endpoint: "completions" | "chat";
  readonly model?: string;
  readonly clients: number;
  readonly rate?: number;
  readonly burstiness: number;
  readonly maxOpen: number;
  readonly requests?: number;
  readonly duration?: number;
  readonly warmUp: number;
  readonly timeout: number;
  readonly workload: WorkloadName;
  readonly mix?: LoadSettings["workload"]["mix"];
  readonly promptTokens: Range;
  readonly outputTokens: Range;
  readonly ids?: number;
  readonly groups: number;
  readonly prefixTokens: number;
  readonly suffixTokens: Range;
  readonly turns: Range;
  readonly think: Range;
  readonly file?: string;
  readonly greedy: boolean;
  readonly ignoreEos: boolean;
  readonly stream: boolean;
  readonly body: Readonly<Record<string, unknown>>;
  readonly cancelShare: number;
  readonly malformedShare: number;
  readonly oversizedShare: number;
  readonly oversizedBytes: number;
  readonly seed: number;
  readonly salt: SaltKind;
  readonly cold: boolean;
  readonly warm: boolean;
  readonly check?: number | true;
  readonly slo: LoadSettings["slo"];
};

const mixOf = (text: string) => pairs(workloadNames, text).map(([name, share]) => ({ name, share }));
const sloOf = (text: string) =>
  Object.fromEntries(pairs<LatencyName>(latencyNames, text)) as LoadSettings["slo"];

/** Adds the flags of the load and of what is asked for. */
export function serveFlags(command: Command): Command {
  const { workload, unruly, ...settings } = defaultLoadSettings;
  const lengths = range(wholeNumber(1, 2 ** 24));
  const share = number(0, 1);
  const option = (flags: string, description: string, fallback: string) =>
    new Option(flags, description).default(undefined, fallback);
  return command
    .addOption(
      new Option("--endpoint <name>", "what is asked")
        .choices(["completions", "chat"])
        .default("completions"),
    )
    .addOption(option("--model <id>", "the model that requests name", "the first that the server lists"))
    .option(
      "--clients <n>",
      "closed loop: each sends when its last answer has ended",
      wholeNumber(1, 100_000),
      8,
    )
    .addOption(
      new Option("--rate <r>", "open loop: arrivals a second, which wait for no answer")
        .argParser(number(0, 100_000, true))
        .conflicts("clients"),
    )
    .option("--burstiness <shape>", "of the arrivals' gaps: 1 Poisson, less in bursts", number(0.01, 1000), 1)
    .option("--max-open <n>", "requests open at once; arrivals beyond are dropped", wholeNumber(1, 1e6), 4096)
    .option(
      "--requests <n>",
      "requests that begin, at most (default: 100, without --duration)",
      wholeNumber(1, 1e9),
    )
    .option("--duration <seconds>", "in which requests begin", number(0, 1e7, true))
    .option("--warm-up <n>", "requests before anything counts", wholeNumber(0, 1e6), settings.warmUp)
    .option("--timeout <seconds>", "of a request", number(0, 86_400, true), settings.timeout)
    .addOption(
      new Option("--workload <name>", "what prompts are like").choices([...workloadNames]).default("random"),
    )
    .addOption(
      new Option("--mix <shares>", "several workloads, like random=0.7,multi-turn=0.3")
        .argParser(mixOf)
        .conflicts("workload"),
    )
    .addOption(
      new Option("--prompt-tokens <n>", "length or range (5-9) of prompts, and of each turn")
        .argParser(lengths)
        .default(workload.promptTokens, "128"),
    )
    .addOption(
      new Option("--output-tokens <n>", "length or range")
        .argParser(lengths)
        .default(workload.outputTokens, "32"),
    )
    .option(
      "--ids <vocabulary>",
      "prompts as token ids, of a vocabulary of this size",
      wholeNumber(2, 2 ** 24),
    )
    .option("--groups <n>", "shared-prefix: different prefixes", wholeNumber(1, 1e6), workload.groups)
    .option("--prefix-tokens <n>", "shared-prefix: length", wholeNumber(1, 2 ** 24), workload.prefixTokens)
    .addOption(
      new Option("--suffix-tokens <n>", "shared-prefix: what follows")
        .argParser(lengths)
        .default(workload.suffixTokens, "32"),
    )
    .addOption(
      new Option("--turns <n>", "multi-turn: questions")
        .argParser(range(wholeNumber(1, 10_000)))
        .default(workload.turns, "4"),
    )
    .addOption(
      new Option("--think <seconds>", "multi-turn: before the next question")
        .argParser(range(number(0, 86_400)))
        .default(workload.thinkSeconds, "0"),
    )
    .option("--file <jsonl>", "file: a body in each line")
    .option("--greedy", "temperature 0", false)
    .option("--ignore-eos", "go on to the length that was asked for (not OpenAI's)", false)
    .option("--no-stream", "whole answers: no TTFT, ITL and TPOT")
    .option("--body <json>", "fields that every request gets", fields, {})
    .option("--cancel-share <share>", "requests that the client closes at a random point", share, 0)
    .option("--malformed-share <share>", "requests that are to be refused", share, 0)
    .option("--oversized-share <share>", "bodies that are to be refused", share, 0)
    .option("--oversized-bytes <n>", "of such a body", wholeNumber(64, 2 ** 30), unruly.oversizedBytes)
    .option("--seed <n>", "of prompts, lengths and arrivals", wholeNumber(0, 2 ** 31 - 1), settings.seed)
    .addOption(
      new Option("--salt <kind>", "what keeps runs from each other's cache")
        .choices(["auto", "cache_salt", "text", "none"])
        .default("auto"),
    )
    .option("--cold", "refuse to report a run of which any token came from a cache", false)
    .option(
      "--warm",
      "send everything once before, and refuse a run of which no token came from a cache",
      false,
    )
    .option("--check [n]", "ask so many greedy requests again, alone, and compare (16)", wholeNumber(1, 1e6))
    .option(
      "--slo <limits>",
      "count requests that keep them: ttft=500,itl=50,tpot=40,e2e=9000 ms",
      sloOf,
      {},
    );
}

/** Throws `RangeError` where flags exclude each other. */
export function settingsOf(flags: ServeFlags): LoadSettings {
  const { clients, rate, burstiness, maxOpen, check, ids, file, mix, cold, warm } = flags;
  if (cold && warm) throw new RangeError("cold: expected one of --cold and --warm, received both");
  const requests = flags.requests ?? (flags.duration === undefined ? 100 : undefined);
  return {
    endpoint: flags.endpoint,
    ...(flags.model !== undefined && { model: flags.model }),
    pace: rate === undefined ? { kind: "closed", clients } : { kind: "open", rate, burstiness, maxOpen },
    ...(requests !== undefined && { requests }),
    ...(flags.duration !== undefined && { duration: flags.duration }),
    warmUp: flags.warmUp,
    timeout: flags.timeout,
    workload: {
      mix: mix ?? [{ name: flags.workload, share: 1 }],
      promptTokens: flags.promptTokens,
      outputTokens: flags.outputTokens,
      ...(ids !== undefined && { vocabSize: ids }),
      groups: flags.groups,
      prefixTokens: flags.prefixTokens,
      suffixTokens: flags.suffixTokens,
      turns: flags.turns,
      thinkSeconds: flags.think,
      ...(file !== undefined && { file }),
    },
    unruly: {
      cancel: flags.cancelShare,
      malformed: flags.malformedShare,
      oversized: flags.oversizedShare,
      oversizedBytes: flags.oversizedBytes,
    },
    stream: flags.stream,
    greedy: flags.greedy,
    ignoreEos: flags.ignoreEos,
    body: flags.body,
    seed: flags.seed,
    salt: flags.salt,
    cache: cold ? "cold" : warm ? "warm" : "salted",
    check: check === true ? 16 : (check ?? 0),
    slo: flags.slo,
  };
}
