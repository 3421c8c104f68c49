import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { withProgress } from "../command-progress.ts";
import { loadHtml } from "./html/load-html.ts";
import { measureServer } from "./measure-server.ts";
import { loadText } from "./report/load-text.ts";
import { type ServeFlags, serveFlags, settingsOf } from "./serve-flags.ts";

type Flags = ServeFlags & {
  readonly url: string;
  readonly apiKey?: string;
  readonly json: boolean;
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
    .option("--json", "print one JSON document", false)
    .option("--html <file>", "also write a report with charts")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { url, json, html } = flags;
  const apiKey = flags.apiKey ?? process.env.KVASIR_API_KEY;
  const settings = settingsOf(flags);
  const report = await withProgress(json, (onProgress, signal) =>
    measureServer({
      url,
      settings,
      command: commandLine(),
      onProgress,
      signal,
      ...(apiKey !== undefined && { apiKey }),
    }),
  );
  if (html !== undefined) await writeFile(html, loadHtml(report));
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : loadText(report));
  for (const violation of report.violations) process.stderr.write(`kvasir-bench: ${violation}\n`);
  if (report.violations.length > 0) process.exitCode = 1;
}

/** As it was typed, without the key. */
function commandLine(): string {
  const words = process.argv.slice(2);
  const hidden = words.map((word, i) =>
    word.startsWith("--api-key=") ? "--api-key=…" : words[i - 1] === "--api-key" ? "…" : word,
  );
  return ["kvasir-bench", ...hidden].join(" ");
}
