import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const threads = new URL("../../../typescript-threads.mjs", import.meta.url).href;
const loader = new URL("../../../typescript-loader.mjs", import.meta.url).href;
const register = `import { register } from "node:module"; register(${JSON.stringify(loader)});`;

/** What came of a work: what it gave, or its error. */
export type Reply = {
  readonly done?: unknown;
  readonly code?: unknown;
  readonly message?: string;
  readonly stack?: string;
};

/** A server in a process whose allocations can be made to fail. */
export class FaultyServer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  url = "";

  constructor(environment: Readonly<Record<string, string>>) {
    this.#child = fork(fileURLToPath(new URL("faulty-process.ts", import.meta.url)), {
      execArgv: [
        ...["--conditions", "@kvasir/source"],
        ...["--import", threads],
        ...["--import", `data:text/javascript,${encodeURIComponent(register)}`],
      ],
      env: { ...process.env, ...environment },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let errors = "";
    this.#child.stderr!.on("data", (data) => {
      errors += data;
    });
    this.#ended = once(this.#child, "exit").then(([code, signal]) => {
      throw new Error(`the server's process ended with ${signal ?? code}: ${errors.slice(-2000)}`);
    });
    this.#ended.catch(() => {}); // whoever waits for a reply hears of it
  }

  async start(): Promise<void> {
    this.url = (await this.#reply<{ url: string }>()).url;
  }

  /** Has it do one of its works. */
  async do(work: "load" | "cache" | "state"): Promise<Reply> {
    const reply = this.#reply<Reply>();
    this.#child.send(work);
    return reply;
  }

  async post(path: string, body: object): Promise<{ status: number; text: string }> {
    const asked = fetch(this.url + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }).then(async (response) => ({ status: response.status, text: await response.text() }));
    asked.catch(() => {}); // a process that ended says more
    return Promise.race([asked.catch(() => this.#ended), this.#ended]);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.send("stop");
    await exit;
  }

  #reply<T>(): Promise<T> {
    return Promise.race([once(this.#child, "message").then(([message]) => message as T), this.#ended]);
  }
}
