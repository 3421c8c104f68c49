import type { PageOwner } from "@kvasir/paged-memory";
import { EngineError } from "../engine-error.ts";

/** Saves and restores under way. */
export class FileWork {
  readonly #running = new Map<Promise<unknown>, { controller: AbortController; giveWay: () => void }>();
  readonly #staged = new Set<PageOwner>();
  #closed = false;

  /** Pages that are neither a sequence's nor the cache's, for an integrity check. */
  get staged(): Iterable<PageOwner> {
    return this.#staged;
  }

  /**
   * Runs `work` with a signal that is the caller's and, when pages are needed or the engine is disposed, this one's.
   * `giveWay` gives pages or locks back at once; the work then ends at its next look at the signal.
   */
  async run<T>(
    {
      signal,
      giveWay,
      staged,
    }: { signal?: AbortSignal | undefined; giveWay: () => void; staged?: PageOwner },
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw new EngineError("disposed", "the engine is disposed");
    const controller = new AbortController();
    const either = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
    const done = work(either);
    this.#running.set(done, { controller, giveWay });
    if (staged) this.#staged.add(staged);
    try {
      return await done;
    } finally {
      this.#running.delete(done);
      if (staged) this.#staged.delete(staged);
    }
  }

  /** Lets go of all pages for running requests that find none elsewhere; false where there was nothing to let go of. */
  giveWay(): boolean {
    const isBusy = this.#running.size > 0;
    const error = new EngineError("overloaded", "running requests need the pages");
    this.#stop(error);
    return isBusy;
  }

  /** Ends what is under way and waits for that. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#running.keys()];
    this.#stop(new EngineError("disposed", "the engine is disposed"));
    await Promise.allSettled(running);
  }

  #stop(error: EngineError): void {
    for (const { controller, giveWay } of this.#running.values()) {
      controller.abort(error);
      giveWay();
    }
  }
}
