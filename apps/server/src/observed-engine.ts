import { EngineError, type GenerateChunk, type GenerateRequest } from "@kvasir/core";
import type { EngineLike } from "./engine-like.ts";
import type { RequestMetrics } from "./metrics/request-metrics.ts";
import type { Observation, RequestsUnderWay } from "./requests-under-way.ts";

export type ObservedEngineOptions = {
  readonly metrics: RequestMetrics;
  readonly underWay: RequestsUnderWay;
  /** Milliseconds, for requests that have no deadline of their own; default: none. */
  readonly deadline?: number | undefined;
};

/** What is known of a request before its prompt is tokenised. */
export type ObservedRequest = {
  /** `performance.now()` when it arrived. */
  readonly arrival: number;
  /** How many answers it asks for. */
  readonly choices: number;
};

/** The engine as routes use it: what it generates is measured, and nothing takes longer than the server's deadline. */
export class ObservedEngine {
  readonly #engine: EngineLike;
  readonly #options: ObservedEngineOptions;
  /** For work that is not measured. */
  readonly unmeasured: EngineLike;

  constructor(engine: EngineLike, options: ObservedEngineOptions) {
    this.#engine = engine;
    this.#options = options;
    const { deadline } = options;
    this.unmeasured = replaced(engine, {
      embed: (request) => engine.embed!(withDeadline(request, deadline)),
    });
  }

  /** For the answers to one request. */
  readonly observe = (request: ObservedRequest): EngineLike => {
    this.#options.metrics.began(request.choices);
    return replaced(this.#engine, {
      generate: (asked) => observed(this.#engine, asked, request.arrival, this.#options),
    });
  };
}

/** The same engine with other methods in place of those of its own that it has. */
function replaced(engine: EngineLike, methods: Partial<EngineLike>): EngineLike {
  return new Proxy(engine, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      if (typeof own !== "function") return own;
      return Object.hasOwn(methods, name) ? Reflect.get(methods, name) : own.bind(target);
    },
  });
}

function withDeadline<T extends { readonly deadline?: number }>(request: T, deadline: number | undefined): T {
  return deadline === undefined ? request : { deadline, ...request };
}

async function* observed(
  engine: EngineLike,
  asked: GenerateRequest,
  arrival: number,
  { metrics, underWay, deadline }: ObservedEngineOptions,
): AsyncGenerator<GenerateChunk, void, undefined> {
  const request = withDeadline(asked, deadline);
  const observation = underWay.begin(request, arrival);
  if (request.maxTokens !== undefined) metrics.asked(request.maxTokens);
  let ended = false;
  try {
    for await (const chunk of engine.generate(request)) {
      count(observation, chunk, metrics);
      if (chunk.finishReason !== undefined) {
        ended = true;
        metrics.finished(chunk, secondsSince(observation.arrival));
      }
      yield chunk;
    }
  } catch (error) {
    if (!ended && !request.signal?.aborted) {
      ended = true;
      metrics.failed(error instanceof EngineError ? error.code : "internal");
    }
    throw error;
  } finally {
    if (!ended) metrics.aborted();
    underWay.end(observation);
  }
}

function count(observation: Observation, { ids }: GenerateChunk, metrics: RequestMetrics): void {
  if (ids.length === 0) return;
  const { lastToken } = observation;
  let further = ids.length;
  if (lastToken === undefined) {
    metrics.firstToken(secondsSince(observation.arrival));
    further -= 1;
  }
  if (further > 0) metrics.furtherTokens(further, lastToken === undefined ? 0 : secondsSince(lastToken));
  observation.lastToken = performance.now();
  observation.generated += ids.length;
}

function secondsSince(milliseconds: number): number {
  return (performance.now() - milliseconds) / 1000;
}
