import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../server/dist/cli.js", import.meta.url));

/** kvasir-server as a process of its own, with the embedded model, on a free port. */
export class KvasirProcess implements AsyncDisposable {
  static readonly built = existsSync(cli);
  /** Of the API. */
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(...flags: readonly string[]): Promise<KvasirProcess> {
    const own = ["--port", "0", "--kv-memory", "32MiB", "--log-format", "json"];
    const child = spawn(process.execPath, [cli, ...own, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
    const url = await new Promise<string>((resolve, reject) => {
      let written = "";
      child.stdout.on("data", (data) => {
        written = (written + data).slice(-10_000);
        const match = /"url":"(http:[^"]+)"/.exec(written);
        if (match) resolve(`${match[1]}/v1`);
      });
      child.once("exit", () => reject(new Error(`kvasir-server ended: ${written}`)));
    });
    return new KvasirProcess(child, url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
  }
}
