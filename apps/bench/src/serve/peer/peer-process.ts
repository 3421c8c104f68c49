import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type PeerOptions = {
  /** The file of node-llama-cpp's module, as `findPeer` finds it. */
  readonly module: string;
  /** A GGUF file. */
  readonly model: string;
  readonly threads: number;
  /** Requests that run together. */
  readonly sequences: number;
  /** Of each sequence. */
  readonly contextTokens: number;
};

export type PeerReply = { readonly url: string } | { readonly error: string };

/** The built process: a bundle that stands in `dist`, whichever of source and bundle runs this. */
const entry = fileURLToPath(
  new URL(
    import.meta.url.endsWith(".ts") ? "../../../dist/peer-entry.js" : "./peer-entry.js",
    import.meta.url,
  ),
);

/** A server over node-llama-cpp in a process of its own, on this machine alone. */
export class PeerProcess implements AsyncDisposable {
  /** Of its API. */
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Loads the model and listens. Throws what the process reports. */
  static async start(options: PeerOptions): Promise<PeerProcess> {
    const child = fork(entry, { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let errors = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-2000);
    });
    const ended = once(child, "exit").then(([code]): PeerReply => {
      return { error: `its process ended with ${code}: ${errors.trim() || "no message"}` };
    });
    child.send(options);
    const replied = once(child, "message").then(([reply]) => reply as PeerReply);
    const reply = await Promise.race([replied, ended]);
    if ("url" in reply) return new PeerProcess(child, reply.url);
    child.kill();
    throw new Error(`node-llama-cpp: ${reply.error}`);
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.disconnect();
    const late = setTimeout(() => child.kill("SIGKILL"), 2000);
    await exited;
    clearTimeout(late);
  }
}
