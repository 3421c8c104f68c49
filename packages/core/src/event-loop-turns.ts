/** Work on the event loop's thread goes on for no longer than this without letting others have a turn. */
const milliseconds = 2;

/** Lets the event loop turn between pieces of long work. */
export class EventLoopTurns {
  #since = performance.now();

  /** To be awaited between two pieces: gives a turn where one is due. */
  async pause(): Promise<void> {
    if (performance.now() - this.#since < milliseconds) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}
