import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Pace } from "../load-settings.ts";
import type { PlannedRequest, Workload } from "../workloads/workload.ts";
import { arrivalGaps } from "./arrivals.ts";

/** How one request ended, for whoever goes on from there. */
export type Reply = {
  readonly text: string;
  /** The session's next request may come. */
  readonly goesOn: boolean;
  /** Milliseconds for which a client stays away. */
  readonly backOffMs: number;
};

/** Where a request stands among others, and when it was due. */
export type Place = {
  readonly workload: string;
  readonly session: number;
  readonly turn: number;
  readonly arrivedAt: number;
};

export type LoadRunOptions = {
  readonly workload: Workload;
  readonly pace: Pace;
  readonly seed: number;
  readonly requests: number;
  readonly durationMs: number;
  /** Sends a request and waits for its end; rejects only when the run is to stop. */
  readonly send: (planned: PlannedRequest, place: Place) => Promise<Reply>;
  readonly signal: AbortSignal;
};

/** Requests of a workload at a pace, until a limit is reached and all have ended. */
export class LoadRun {
  readonly #options: LoadRunOptions;
  #sessions = 0;
  #requests = 0;
  #open = 0;
  #end = Number.POSITIVE_INFINITY;
  /** Arrivals that found `maxOpen` requests open. */
  dropped = 0;

  constructor(options: LoadRunOptions) {
    this.#options = options;
  }

  /** Runs it, once. Rejects where a session does. */
  async run(): Promise<void> {
    const { pace, durationMs } = this.#options;
    this.#end = performance.now() + durationMs;
    if (pace.kind === "open") return this.#arrive(pace);
    await Promise.all(Array.from({ length: pace.clients }, () => this.#client()));
  }

  async #client(): Promise<void> {
    while (this.#take()) {
      const backOffMs = await this.#session(this.#sessions++, performance.now());
      if (performance.now() + backOffMs < this.#end) await this.#pause(backOffMs);
    }
  }

  /** Arrivals come when they are due, whatever is open: only `maxOpen` limits them. */
  async #arrive({ rate, burstiness, maxOpen }: Extract<Pace, { kind: "open" }>): Promise<void> {
    const sessions = new Set<Promise<unknown>>();
    let failed = false;
    let due = performance.now();
    for (const gap of arrivalGaps(rate, burstiness, this.#options.seed)) {
      due += gap;
      if (due >= this.#end) break;
      const wait = due - performance.now();
      // Late arrivals are sent at once, but answers are to be read between them.
      await (wait > 0 ? this.#pause(wait) : nextTurn());
      if (failed || !this.#take()) break;
      const index = this.#sessions++;
      if (this.#open >= maxOpen) {
        this.dropped++;
        continue;
      }
      const session = this.#session(index, due);
      sessions.add(session);
      session.then(
        () => sessions.delete(session),
        // It stays, for whoever waits for all of them.
        () => {
          failed = true;
        },
      );
    }
    await Promise.all(sessions);
  }

  /** Resolves to the milliseconds for which its client stays away. */
  async #session(index: number, arrival: number): Promise<number> {
    const session = this.#options.workload.session(index);
    let arrivedAt = arrival;
    let planned = session.next();
    for (let turn = 0; planned !== undefined; turn++) {
      if (turn > 0) {
        if (performance.now() + planned.thinkMs >= this.#end) return 0;
        await this.#pause(planned.thinkMs);
        if (!this.#take()) return 0;
        arrivedAt = performance.now();
      }
      this.#open++;
      const { text, goesOn, backOffMs } = await this.#options
        .send(planned, { workload: session.workload, session: index, turn, arrivedAt })
        .finally(() => this.#open--);
      if (!goesOn) return backOffMs;
      planned = session.next(text);
    }
    return 0;
  }

  /** Counts a request in, if the limits allow one more. */
  #take(): boolean {
    const { requests, signal } = this.#options;
    signal.throwIfAborted();
    if (this.#requests >= requests || performance.now() >= this.#end) return false;
    this.#requests++;
    return true;
  }

  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#options;
    if (milliseconds > 0) await delay(Math.min(milliseconds, 2 ** 31 - 1), undefined, { signal });
  }
}
