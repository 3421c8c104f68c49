import type { NextRequest, OpenRequest } from "./protocol.ts";

export interface NextMask {
  readonly mask: Uint32Array;
  /** Only stop tokens may follow. */
  readonly done: boolean;
}

export interface Job {
  readonly request: OpenRequest | NextRequest;
  readonly resolve: (mask: NextMask | undefined) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
}

/** A thread that dies this often with a request under way was killed by it. */
const ATTEMPTS = 2;

/** What a thread has been asked and has not answered yet, in order. */
export class Jobs {
  readonly #jobs = new Map<number, Job>();
  #ids = 0;

  get size(): number {
    return this.#jobs.size;
  }

  newId(): number {
    return this.#ids++;
  }

  /** Settles with the answer: a mask, or undefined for a matcher that has been opened. */
  add(request: OpenRequest | NextRequest): Promise<NextMask | undefined> {
    return new Promise((resolve, reject) => {
      this.#jobs.set(request.job, { request, resolve, reject, attempts: 1 });
    });
  }

  take(id: number): Job | undefined {
    const job = this.#jobs.get(id);
    this.#jobs.delete(id);
    return job;
  }

  reject(id: number, error: unknown): void {
    this.take(id)?.reject(error);
  }

  rejectMatcher(matcher: number, error: unknown): void {
    for (const [id, { request }] of this.#jobs) if (request.matcher === matcher) this.reject(id, error);
  }

  rejectAll(error: unknown): void {
    for (const id of this.#jobs.keys()) this.reject(id, error);
  }

  has(id: number): boolean {
    return this.#jobs.has(id);
  }

  /** What was sent and is to be asked again of another thread; what has been asked too often fails. */
  retry(
    isSent: (request: OpenRequest | NextRequest) => boolean,
    error: unknown,
  ): (OpenRequest | NextRequest)[] {
    const sent = [...this.#jobs].filter(([, { request }]) => isSent(request));
    for (const [id, job] of sent) if (job.attempts++ >= ATTEMPTS) this.reject(id, error);
    return sent.flatMap(([id, { request }]) => (this.has(id) ? [request] : []));
  }
}
