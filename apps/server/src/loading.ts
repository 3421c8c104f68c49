import { EngineError, type EngineOptions, type KvCacheOptions, type LoadProgress } from "@kvasir/core";
import type { FlaggedPolicies } from "@kvasir/kv-policies";
import type { Flags } from "./flags.ts";
import { formatBytes } from "./quantity.ts";

/** The engine's options for a model's path, these flags and the policies that they name. */
export function toEngineOptions(
  model: string,
  flags: Flags,
  { choice, policies }: Pick<FlaggedPolicies, "choice" | "policies">,
): EngineOptions {
  const kvCache = {
    ...choice,
    ...(flags.kvMemory === undefined ? {} : { memory: flags.kvMemory }),
    ...(flags.kvHostMemory === undefined ? {} : { hostMemory: flags.kvHostMemory }),
    ...spill(flags),
    ...(flags.kvDtype === undefined ? {} : { dtype: flags.kvDtype }),
    ...(flags.pageTokens === undefined ? {} : { pageTokens: flags.pageTokens }),
  };
  return {
    model,
    kvCache,
    policies,
    backend: flags.backend,
    maxWaiting: flags.maxWaiting,
    prefixCache: flags.prefixCache === "on",
    ...(flags.maxWaitingTokens === undefined ? {} : { maxWaitingTokens: flags.maxWaitingTokens }),
    ...(flags.stepMilliseconds === undefined ? {} : { stepMilliseconds: flags.stepMilliseconds }),
    ...(flags.weights === undefined ? {} : { weights: flags.weights }),
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.maxRunning === undefined ? {} : { maxRunning: flags.maxRunning }),
    ...(flags.stepTokens === undefined ? {} : { stepTokens: flags.stepTokens }),
    ...(flags.passes === undefined ? {} : { passes: flags.passes }),
  };
}

/** A file without a bound is none that anybody wants. */
function spill({ kvSpill: directory, kvSpillBytes: bytes }: Flags): Pick<KvCacheOptions, "spill"> {
  if (directory === undefined && bytes === undefined) return {};
  if (directory !== undefined && bytes !== undefined) return { spill: { directory, bytes } };
  throw new Error("--kv-spill and --kv-spill-bytes: expected both or neither");
}

const flagNames: Readonly<Record<string, string>> = {
  "kvCache.policy": "--kv-policy",
  "kvCache.budget": "--kv-budget",
  "kvCache.memory": "--kv-memory",
  "kvCache.hostMemory": "--kv-host-memory",
  "kvCache.spill": "--kv-spill",
  "kvCache.spill.directory": "--kv-spill",
  "kvCache.spill.bytes": "--kv-spill-bytes",
  "kvCache.dtype": "--kv-dtype",
  "kvCache.pageTokens": "--page-tokens",
  policies: "--kv-policies",
  model: "--model",
  weights: "--weights",
  threads: "--threads",
  backend: "--backend",
  maxRunning: "--max-running",
  maxWaiting: "--max-waiting",
  maxWaitingTokens: "--max-waiting-tokens",
  stepMilliseconds: "--step-milliseconds",
  prefixCache: "--prefix-cache",
  stepTokens: "--step-tokens",
  passes: "--passes",
  context: "--ctx",
  parallel: "--parallel",
  memory: "--memory",
};

/** Why loading failed, in one line, with the flags' names in place of the options'. */
export function loadingFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof EngineError) || error.param === undefined) return message;
  const option = /^kvCache\.(\w+)$/.exec(error.param)?.[1];
  const flag = flagNames[error.param] ?? (option && `--kv-option ${option}`);
  return flag === undefined ? message : message.replaceAll(error.param, flag);
}

/** Where progress is shown. */
export type Terminal = { readonly isTTY?: boolean; write(text: string): unknown };

const barWidth = 24;

/**
 * Shows at a terminal how far the work is, once it has taken two seconds; wiped when it ends. Until the work
 * reports something, only the time.
 */
export async function withProgress<T>(
  terminal: Terminal,
  what: string,
  work: (report: (progress: LoadProgress) => void) => Promise<T>,
): Promise<T> {
  if (!terminal.isTTY) return await work(() => {});
  const start = performance.now();
  let progress: LoadProgress | undefined;
  const show = () => {
    const seconds = Math.round((performance.now() - start) / 1000);
    if (seconds >= 2) terminal.write(`\r\x1b[2K${what} ${progress ? bar(progress) : "..."} ${seconds} s`);
  };
  const timer = setInterval(show, 1000);
  try {
    return await work((reported) => {
      progress = reported;
    });
  } finally {
    clearInterval(timer);
    terminal.write("\r\x1b[2K");
  }
}

/** `[############            ] 50 % of 1.1 GiB`. */
function bar({ bytesDone, bytesTotal }: LoadProgress): string {
  const share = bytesTotal > 0 ? bytesDone / bytesTotal : 1;
  const filled = "#".repeat(Math.floor(share * barWidth));
  return `[${filled.padEnd(barWidth)}] ${Math.floor(share * 100)} % of ${formatBytes(bytesTotal)}`;
}
