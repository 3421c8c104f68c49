import type { OpenRequest } from "./protocol.ts";

/** A thread keeps to the time by itself; this much later it is taken to hang. */
const GRACE_MS = 2_000;

interface Thread {
  send(request: OpenRequest): void;
  /** The thread did not answer in time. */
  isLate(): void;
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

  get size(): number {
    return this.#waiting.size + (this.#current === undefined ? 0 : 1);
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

  /** The thread is no more: what was being compiled in it, to be sent to no other. */
  abandon(): OpenRequest | undefined {
    const current = this.#current;
    this.#isReady = false;
    this.#stop();
    this.#begin();
    return current;
  }

  clear(): void {
    this.#waiting.clear();
    this.#stop();
  }

  #begin(): void {
    const [next] = this.#waiting.values();
    if (this.#current !== undefined || next === undefined) return;
    this.#waiting.delete(next.matcher);
    this.#current = next;
    this.#thread.send(next);
    this.#watch();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
  }

  #watch(): void {
    if (this.#current === undefined || !this.#isReady) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#thread.isLate(), this.#current.milliseconds + GRACE_MS);
    this.#timer.unref();
  }
}
