import type { Clock } from "./clock.ts";

/** How far beyond its end a run may go for the part under way, as a share of the run's time. */
const overrun = 0.1;
/** How many times as long as expected a part may take beyond the run's end. */
const patience = 3;

/** The time of a run, and what of it a part may take. Estimates are corrected by how long measured parts took. */
export class TimeBudget {
  readonly #clock: Clock;
  readonly #seconds: number;
  readonly #begun: number;
  #estimated = 0;
  #taken = 0;

  /** @param minutes of the run; no limit if not given */
  constructor(minutes: number | undefined, clock: Clock) {
    this.#clock = clock;
    this.#seconds = minutes === undefined ? Number.POSITIVE_INFINITY : minutes * 60;
    this.#begun = clock.now();
  }

  /** Takes note of a measured part, seconds. */
  record(estimate: number, taken: number): void {
    this.#estimated += estimate;
    this.#taken += taken;
  }

  /** Seconds that a part of that estimate takes here, as far as measured parts tell. */
  expected(estimate: number): number {
    return this.#estimated > 0 ? (estimate * this.#taken) / this.#estimated : estimate;
  }

  /** Seconds until the end of the run; below 0 after it. */
  get left(): number {
    return this.#seconds - (this.#clock.now() - this.#begun);
  }

  /** Seconds after which a part that begins now is to be given up: never before the run's end. */
  limit(estimate: number): number {
    const end = Math.max(0, this.left);
    return Math.max(end, Math.min(patience * this.expected(estimate), end + overrun * this.#seconds));
  }
}
