/** Tells and announces the time of a run. */
export interface Clock {
  /** Seconds since any moment. */
  now(): number;
  /** Calls back after so many seconds, unless what it returns is called first. */
  after(seconds: number, callback: () => void): () => void;
}

// What setTimeout takes at most; a run is never this long.
const longest = 2 ** 31 - 1;

/** The time of the machine. */
export const machineClock: Clock = {
  now: () => performance.now() / 1000,
  after(seconds, callback) {
    const timer = setTimeout(callback, Math.min(longest, Math.max(0, seconds * 1000)));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
