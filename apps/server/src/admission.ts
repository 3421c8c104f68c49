import type { MiddlewareHandler } from "hono";
import type { ApiError } from "./api-error.ts";
import { queueIsFull, shuttingDown } from "./engine-failure.ts";
import type { EngineLike } from "./engine-like.ts";
import type { InFlight } from "./in-flight.ts";
import type { RejectionReason } from "./metrics/metrics.ts";
import { Throughput } from "./throughput.ts";

export type QueueLimits = {
  /** Requests that may wait; 0: as many as the engine takes. */
  readonly maxWaiting: number;
  /** Prompt tokens that may wait; 0: as many as the engine takes. */
  readonly maxWaitingTokens: number;
};

/** Turns requests away while the queue is full, before their bodies are read, and says when to come back. */
export class Admission {
  readonly #engine: EngineLike;
  readonly #inFlight: InFlight;
  readonly #limits: QueueLimits;
  readonly #onRejection: (reason: RejectionReason) => void;
  readonly #throughput = new Throughput();

  constructor(
    engine: EngineLike,
    inFlight: InFlight,
    limits: QueueLimits,
    onRejection: (reason: RejectionReason) => void,
  ) {
    this.#engine = engine;
    this.#inFlight = inFlight;
    this.#limits = limits;
    this.#onRejection = onRejection;
  }

  /** For routes that take work to the engine; requests that ask for none go through. */
  readonly middleware: MiddlewareHandler = async (c, next) => {
    if (c.req.method === "POST") this.#admit();
    await next();
  };

  /** Seconds, 1 to 60: what waits, at the pace of the last half minute. */
  retryAfter(): number {
    const { waitingTokens, promptTokens, generatedTokens } = this.#engine.stats();
    const perSecond = this.#throughput.perSecond(promptTokens + generatedTokens, performance.now());
    const seconds = perSecond === undefined ? 1 : waitingTokens / perSecond;
    return Math.min(60, Math.max(1, Math.ceil(seconds)));
  }

  #admit(): void {
    if (this.#inFlight.draining) throw this.#reject("draining", shuttingDown());
    const { waiting, waitingTokens, promptTokens, generatedTokens } = this.#engine.stats();
    this.#throughput.observe(promptTokens + generatedTokens, performance.now());
    const { maxWaiting, maxWaitingTokens } = this.#limits;
    if (maxWaiting > 0 && waiting >= maxWaiting) {
      throw this.#reject("requests", queueIsFull(waiting, "requests"));
    }
    if (maxWaitingTokens > 0 && waitingTokens >= maxWaitingTokens) {
      throw this.#reject("tokens", queueIsFull(waitingTokens, "prompt tokens"));
    }
  }

  #reject(reason: RejectionReason, error: ApiError): ApiError {
    this.#onRejection(reason);
    return error;
  }
}
