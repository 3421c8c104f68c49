import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { SideReply, SideRequestName, SideRequests } from "./side-protocol.ts";

/** One side of a comparison in its own process, so that its memory and its threads are its own. */
export class SideProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #child: ChildProcess;
  /** Rejects when the process has ended, whether or not something was asked then. */
  readonly #ended: Promise<never>;
  #errors = "";

  /** @param entry the built module `side-entry` */
  constructor(name: string, entry: string) {
    this.#name = name;
    this.#child = fork(entry, {
      // Flags of this process, such as a debugger's, would be measured too.
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    this.#ended = once(this.#child, "exit").then(([code, killedBy]) => {
      const why = killedBy ? `killed by ${killedBy}` : `exit code ${code}`;
      throw new Error(`${this.#name}: its process ended (${why}): ${this.#errors.trim() || "no message"}`);
    });
    this.#ended.catch(() => {});
  }

  /** Asks one thing; the side must be idle. Throws what the side reports, or that its process ended. */
  async ask<Name extends SideRequestName>(
    name: Name,
    ask: SideRequests[Name]["ask"],
  ): Promise<SideRequests[Name]["reply"]> {
    const over = new AbortController();
    const replied = once(this.#child, "message", { signal: over.signal });
    replied.catch(() => {});
    try {
      if (!this.#child.connected) await this.#ended;
      this.#child.send({ name, ask });
      const [reply] = (await Promise.race([replied, this.#ended])) as [SideReply];
      if ("error" in reply) throw new Error(`${this.#name}: ${reply.error}`);
      return reply.value as SideRequests[Name]["reply"];
    } finally {
      over.abort();
    }
  }

  /** Ends the process: politely, and after two seconds not. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    if (child.connected) child.disconnect();
    const late = setTimeout(() => child.kill("SIGKILL"), 2000);
    await exited;
    clearTimeout(late);
  }
}
