import { setImmediate } from "node:timers/promises";

/** Milliseconds that work may go on before others get the event loop. */
const slice = 4;

/** For long work in small pieces: waits, between two of them, for the event loop's next turn once a few milliseconds are over. */
export function timeSlices(): () => Promise<void> {
  let begun = performance.now();
  return async () => {
    if (performance.now() - begun < slice) return;
    await setImmediate();
    begun = performance.now();
  };
}
