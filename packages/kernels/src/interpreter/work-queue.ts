import { setImmediate } from "node:timers/promises";

/** Work that may pause wherever it yields. */
export type Work<T = void> = Generator<void, T, void>;

/** How long the event loop may be held, in milliseconds. */
const turn = 4;

/** Runs what it is given in order, one after the other, in short turns. */
export class WorkQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** The promise of the work's result; work that fails does not keep the next from running. */
  submit<T>(work: () => Work<T> | Promise<Work<T>>): Promise<T> {
    const result = this.#last.then(async () => runInTurns(await work()));
    this.#last = result.catch(() => {});
    return result;
  }
}

async function runInTurns<T>(work: Work<T>): Promise<T> {
  let end = performance.now() + turn;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() > end) {
      await setImmediate();
      end = performance.now() + turn;
    }
  }
}
