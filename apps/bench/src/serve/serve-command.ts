import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { type Command, Option } from "commander";
import { withProgress } from "../command-progress.ts";
import { findPeer } from "../compare/find-peer.ts";
import { wholeNumber } from "../device-flags.ts";
import { compareServers } from "./compare/compare-servers.ts";
import { serverComparisonMarkdown, serverComparisonText } from "./compare/server-comparison-text.ts";
import { loadHtml } from "./html/load-html.ts";
import { type MeasureServerOptions, measureServer } from "./measure-server.ts";
import { PeerProcess } from "./peer/peer-process.ts";
import { loadText } from "./report/load-text.ts";
import { type ServeFlags, serveFlags, settingsOf } from "./serve-flags.ts";

type Flags = ServeFlags & {
  readonly url: string;
  readonly apiKey?: string;
  readonly compareUrl?: string;
  readonly compareApiKey?: string;
  readonly repetitions: number;
  readonly peer?: string;
  readonly peerPath?: string;
  readonly peerSequences: number;
  readonly peerThreads: number;
  readonly peerContext: number;
  readonly json: boolean;
  readonly markdown: boolean;
  readonly html?: string;
};

/** `kvasir-bench serve`: load for a server with OpenAI's API, and what its clients see of it. */
export function serveCommand(program: Command): void {
  const command = program
    .command("serve")
    .description("put load on a server with OpenAI's API, and measure what its clients see")
    .option("--url <url>", "of the API", "http://127.0.0.1:8080/v1")
    .option("--api-key <key>", "or in KVASIR_API_KEY");
  serveFlags(command)
    .option("--compare-url <url>", "put the same load on another server too, in turns")
    .option("--compare-api-key <key>", "of that server")
    .option("--repetitions <n>", "of a comparison", wholeNumber(1, 1000), 5)
    .addOption(
      new Option("--peer <file>", "compare with node-llama-cpp on this GGUF file, which it starts").conflicts(
        "compareUrl",
      ),
    )
    .option("--peer-path <dir>", "where that is installed (default: what the working directory resolves)")
    .option("--peer-sequences <n>", "requests that it runs together", wholeNumber(1, 256), 16)
    .option("--peer-threads <n>", "its threads", wholeNumber(1, 256), availableParallelism())
    .option("--peer-context <tokens>", "of each of its sequences", wholeNumber(16, 2 ** 20), 2048)
    .option("--json", "print one JSON document", false)
    .option("--markdown", "print a comparison as a Markdown table", false)
    .option("--html <file>", "also write a report with charts")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { url, json, html, peer, compareUrl } = flags;
  const apiKey = flags.apiKey ?? process.env.KVASIR_API_KEY;
  const common = {
    url,
    settings: settingsOf(flags),
    command: commandLine(),
    ...(apiKey !== undefined && { apiKey }),
  };
  if (peer === undefined && compareUrl === undefined) {
    const report = await withProgress(json, (onProgress, signal) =>
      measureServer({ ...common, onProgress, signal }),
    );
    if (html !== undefined) await writeFile(html, loadHtml(report));
    finish(json ? JSON.stringify(report) : loadText(report), report.violations);
    return;
  }
  if (html !== undefined)
    throw new RangeError("html: expected a report of one server, received a comparison");
  await using started = peer === undefined ? undefined : await startPeer(peer, flags);
  await compareWith(started?.url ?? compareUrl!, common, flags);
}

async function startPeer(file: string, flags: Flags): Promise<PeerProcess> {
  return PeerProcess.start({
    module: await findPeer(flags.peerPath),
    model: path.resolve(file),
    threads: flags.peerThreads,
    sequences: flags.peerSequences,
    contextTokens: flags.peerContext,
  });
}

async function compareWith(
  compareUrl: string,
  common: MeasureServerOptions,
  { json, markdown, repetitions, compareApiKey }: Flags,
): Promise<void> {
  const comparison = await withProgress(json, (onProgress, signal) =>
    compareServers({
      ...common,
      compareUrl,
      repetitions,
      onProgress,
      signal,
      ...(compareApiKey !== undefined && { compareApiKey }),
    }),
  );
  const written = markdown ? serverComparisonMarkdown(comparison) : serverComparisonText(comparison);
  finish(json ? JSON.stringify(comparison) : written, comparison.violations);
}

function finish(text: string, violations: readonly string[]): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  for (const violation of violations) process.stderr.write(`kvasir-bench: ${violation}\n`);
  if (violations.length > 0) process.exitCode = 1;
}

const keyFlag = /^--(compare-)?api-key/;

/** As it was typed, without keys. */
function commandLine(): string {
  const words = process.argv.slice(2);
  const hidden = words.map((word, i) => {
    if (keyFlag.test(word)) return word.replace(/=.*/s, "=…");
    return keyFlag.test(words[i - 1] ?? "") && !words[i - 1]!.includes("=") ? "…" : word;
  });
  return ["kvasir-bench", ...hidden].join(" ");
}
