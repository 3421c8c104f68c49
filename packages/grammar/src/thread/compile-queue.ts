import type { OpenRequest } from "./protocol.ts";

/** A thread keeps to the time by itself; this much later it is taken to hang. */
const GRACE_MS = 2_000;

interface Thread {
  send(request: OpenRequest): void;
  /** The thread did not answer this one in time. */
  isLate(request: OpenRequest): void;
}

/** Formats to compile in one thread: one at a time, so that each has its own time limit. */
export class CompileQueue {
  readonly #thread: Thread;
  readonly #waiting = new Map<number, OpenRequest>();
  #current: OpenRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReady = false;

  constructor(thread: Thread) {
    this.#thread = thread;
  }

  has(matcher: number): boolean {
    return this.#waiting.has(matcher) || this.#current?.matcher === matcher;
  }

  add(request: OpenRequest): void {
    this.#waiting.set(request.matcher, request);
    this.#begin();
  }

  /** A matcher whose turn has not come yet. */
  remove(matcher: number): void {
    this.#waiting.delete(matcher);
  }

  /** Starting a thread is not part of anybody's time. */
  threadIsReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#watch();
  }

  answered(job: number): void {
    if (this.#current?.job !== job) return;
    this.#stop();
    this.#begin();
  }

  isSent(request: OpenRequest): boolean {
    return this.#current === request;
  }

  /** There is another thread: what was being compiled is compiled in it, if it is still wanted. */
  restart(isWanted: (request: OpenRequest) => boolean): void {
    const current = this.#current;
    this.#isReady = false;
    this.#stop();
    if (current !== undefined && isWanted(current)) this.#next(current);
    else this.#begin();
  }

  clear(): void {
    this.#waiting.clear();
    this.#stop();
  }

  #begin(): void {
    const [next] = this.#waiting.values();
    if (this.#current !== undefined || next === undefined) return;
    this.#waiting.delete(next.matcher);
    this.#next(next);
  }

  #next(request: OpenRequest): void {
    this.#current = request;
    this.#thread.send(request);
    this.#watch();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
  }

  #watch(): void {
    const current = this.#current;
    if (current === undefined || !this.#isReady) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#thread.isLate(current), current.milliseconds + GRACE_MS);
    this.#timer.unref();
  }
}
