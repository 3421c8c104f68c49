import { Worker } from "node:worker_threads";
import { type FormatText, textOf } from "../checked-format.ts";
import { GrammarError } from "../grammar-error.ts";
import { CompileQueue } from "./compile-queue.ts";
import { type Job, Jobs, type NextMask } from "./jobs.ts";
import type { NextRequest, OpenRequest, ThreadData, ThreadMessage, ThreadRequest } from "./protocol.ts";

/** A matcher in the thread, and what it takes to have the same one in another. */
interface Known {
  readonly format: FormatText;
  readonly milliseconds: number;
  /** What it has read, as far as the thread has said so. */
  ids: number[];
}

const isSource = import.meta.url.endsWith(".ts");
const entry = new URL(isSource ? "../worker.ts" : "./worker.js", import.meta.url);
/** What the process was started with is not meant for this thread, but for the loader that sources need (see vitest.config.ts). */
const execArgv = isSource ? process.execArgv : [];

/**
 * One worker thread and its matchers. It is started by the first request and keeps the process alive only while it
 * has something to answer. A thread that dies, or that had to be ended in the middle of compiling, is replaced, and
 * the other matchers go on in the new one.
 */
export class GrammarThread {
  readonly #data: () => Promise<ThreadData>;
  readonly #memoryMb: number;
  readonly #jobs = new Jobs();
  readonly #matchers = new Map<number, Known>();
  readonly #compiling = new CompileQueue({
    send: (request) => this.#send(request),
    isLate: ({ job }) => {
      const error = new GrammarError("timeout", "compiling took too long");
      this.#jobs.reject(job, error);
      this.#replace(error);
    },
  });
  #outbox: ThreadRequest[] = [];
  #worker: Worker | undefined;
  #words = 0;
  #starting: Promise<void> | undefined;
  #isDisposed = false;

  constructor(data: () => Promise<ThreadData>, memoryMb: number) {
    this.#data = data;
    this.#memoryMb = memoryMb;
  }

  get size(): number {
    return this.#matchers.size;
  }

  has(text: string | undefined): boolean {
    for (const { format } of this.#matchers.values()) if (textOf(format) === text) return true;
    return false;
  }

  /** Throws `GrammarError`, or the signal's reason. */
  async open(matcher: number, format: FormatText, milliseconds: number, signal?: AbortSignal): Promise<void> {
    const request: OpenRequest = {
      kind: "open",
      job: this.#jobs.newId(),
      matcher,
      format,
      milliseconds,
      ids: [],
    };
    this.#matchers.set(matcher, { format, milliseconds, ids: [] });
    const abort = () => this.#jobs.reject(request.job, signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const opened = this.#jobs.add(request);
      this.#compiling.add(request);
      await opened;
    } catch (error) {
      this.close(matcher);
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Throws `GrammarError`. */
  async next(matcher: number, ids: readonly number[], anew: boolean): Promise<NextMask> {
    if (this.#isDisposed) throw allDisposed();
    const request: NextRequest = { kind: "next", job: this.#jobs.newId(), matcher, ids, anew };
    const answered = this.#jobs.add(request);
    this.#send(request);
    return (await answered)!;
  }

  close(matcher: number): void {
    if (!this.#matchers.delete(matcher)) return;
    this.#compiling.remove(matcher);
    this.#jobs.rejectMatcher(matcher, new GrammarError("disposed", "the matcher was disposed of"));
    if (this.#worker !== undefined) this.#send({ kind: "close", matcher });
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    this.#compiling.clear();
    this.#jobs.rejectAll(allDisposed());
    this.#matchers.clear();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  /** Requests of one turn of the event loop's jobs go together. */
  #send(request: ThreadRequest): void {
    if (this.#isDisposed) return;
    if (this.#outbox.push(request) === 1) queueMicrotask(() => this.#post());
  }

  #post(): void {
    if (this.#isDisposed) return;
    if (this.#worker === undefined) {
      this.#starting ??= this.#start().finally(() => {
        this.#starting = undefined;
      });
      return;
    }
    const requests = this.#outbox;
    this.#outbox = [];
    if (requests.length > 0) this.#worker.postMessage(requests);
    this.#worker.ref();
  }

  async #start(): Promise<void> {
    let data: ThreadData;
    try {
      data = await this.#data();
    } catch (error) {
      this.#outbox = [];
      this.#compiling.clear();
      this.#jobs.rejectAll(error);
      return;
    }
    if (this.#isDisposed) return;
    this.#words = Math.ceil(data.vocabSize / 32);
    const worker = new Worker(entry, {
      workerData: data,
      execArgv,
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryMb },
    });
    this.#worker = worker;
    let cause = new GrammarError("internal", "the thread ended");
    worker.on("message", (message: ThreadMessage) => this.#receive(message));
    worker.on("error", (error: NodeJS.ErrnoException) => {
      const code = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "too-large" : "internal";
      cause = new GrammarError(code, `the thread ended: ${error.message}`);
    });
    worker.on("exit", () => {
      if (worker === this.#worker) this.#replace(cause);
    });
    this.#restore(worker);
    this.#post();
  }

  /** Has the matchers that were open in another thread. */
  #restore(worker: Worker): void {
    const opening = [...this.#matchers].filter(([matcher]) => !this.#compiling.has(matcher));
    if (opening.length === 0) return;
    const requests = opening.map(([matcher, known]): OpenRequest => {
      return { kind: "open", job: this.#jobs.newId(), matcher, ...known };
    });
    worker.postMessage(requests);
  }

  #receive({ answers, masks }: ThreadMessage): void {
    this.#compiling.threadIsReady();
    for (const answer of answers) {
      const job = this.#jobs.take(answer.job);
      this.#compiling.answered(answer.job);
      if (job === undefined) continue;
      this.#remember(job);
      if (answer.error !== undefined) job.reject(GrammarError.from(answer.error));
      else if (answer.mask === undefined) job.resolve(undefined);
      else {
        const mask = masks.subarray(answer.mask * this.#words, (answer.mask + 1) * this.#words);
        job.resolve({ mask, done: answer.done });
      }
    }
    if (this.#jobs.size === 0) this.#worker?.unref();
  }

  #remember({ request }: Job): void {
    const known = this.#matchers.get(request.matcher);
    if (request.kind !== "next" || known === undefined) return;
    if (request.anew) known.ids = [];
    for (const id of request.ids) known.ids.push(id);
  }

  /** Ends the thread, and asks what it has not answered of a new one. */
  #replace(error: GrammarError): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#outbox = [];
    void worker?.terminate();
    const isSent = (request: OpenRequest | NextRequest) =>
      request.kind === "next" || this.#compiling.isSent(request);
    for (const request of this.#jobs.retry(isSent, error)) if (request.kind === "next") this.#send(request);
    this.#compiling.restart(({ job }) => this.#jobs.has(job));
  }
}

function allDisposed(): GrammarError {
  return new GrammarError("disposed", "the grammars were disposed of");
}
