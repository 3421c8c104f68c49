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

/** The engine as routes use it: all that it generates is measured, wherever it is asked for. */
export function observedEngine(engine: EngineLike, options: ObservedEngineOptions): EngineLike {
  const generate = (request: GenerateRequest) => observed(engine, request, options);
  return new Proxy(engine, {
    get(target, name) {
      if (name === "generate") return generate;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function* observed(
  engine: EngineLike,
  asked: GenerateRequest,
  { metrics, underWay, deadline }: ObservedEngineOptions,
): AsyncGenerator<GenerateChunk, void, undefined> {
  const request = deadline === undefined ? asked : { deadline, ...asked };
  const observation = underWay.begin(request);
  metrics.began(request);
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
