import { randomUUID } from "node:crypto";
import type { Handler } from "hono";
import type { Logger } from "pino";
import { type Answer, answerEvents, wholeAnswer } from "./answer.ts";
import type { AnswerFormat, AnswerHead } from "./answer-format.ts";
import { AnswerLog } from "./answer-log.ts";
import { ApiError } from "./api-error.ts";
import type { ApiRequest } from "./api-request.ts";
import type { AppEnv } from "./app-env.ts";
import { forTenant } from "./authorization.ts";
import { generateChoices } from "./choices.ts";
import type { EngineLike } from "./engine-like.ts";
import type { Flight, InFlight } from "./in-flight.ts";
import type { ObservedRequest } from "./observed-engine.ts";
import { readJsonObject } from "./request-body.ts";
import type { RequestLimits } from "./request-limits.ts";
import { eventStream, orUndefined } from "./server-sent-events.ts";

/** What differs between the two endpoints. */
export type Endpoint = {
  readonly idPrefix: string;
  parse(
    body: Readonly<Record<string, unknown>>,
    limits: RequestLimits,
    chatTemplate: string | undefined,
  ): ApiRequest;
  format(head: AnswerHead, includeUsage: boolean): AnswerFormat;
};

export type GenerationContext = {
  readonly engine: EngineLike;
  /** The same engine, which measures what it generates for one request. */
  readonly observe: (request: ObservedRequest) => EngineLike;
  readonly limits: RequestLimits;
  readonly inFlight: InFlight;
  readonly logger: Logger;
  readonly bodyLimit: number;
  readonly headerDelay: number;
  readonly keepAlive: number;
  readonly systemFingerprint: string;
};

/** `POST` of a request for generation: checks it, runs it on the engine and answers, streamed or whole. */
export function generationRoute(endpoint: Endpoint, context: GenerationContext): Handler<AppEnv> {
  return async (c) => {
    const arrival = performance.now();
    const client = c.req.raw.signal;
    const { engine, limits } = context;
    const body = await readJsonObject(c.req.raw, context.bodyLimit);
    const request = endpoint.parse(body, limits, engine.info.chatTemplate);
    const model = checkModel(request.model, engine.info.model);
    const head = {
      id: `${endpoint.idPrefix}-${randomUUID().replaceAll("-", "")}`,
      created: Math.floor(Date.now() / 1000),
      model,
      systemFingerprint: context.systemFingerprint,
    };
    const format = endpoint.format(head, request.includeUsage);
    const flight = context.inFlight.begin(client);
    const log = new AnswerLog(context.logger, c, head.id, request);
    const observed = context.observe({ arrival, choices: request.n });
    const chunks = generateChoices(observed, request, forTenant(c, { id: head.id, signal: flight.signal }));
    const running = { answer: { chunks, format, request, onEnd: log.ended.bind(log) }, flight, log };
    if (!request.stream) return c.json(await whole(running));
    return c.body(await streamed(running, context), 200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
      "X-Accel-Buffering": "no",
    });
  };
}

export function checkModel(asked: string | undefined, loaded: string): string {
  if (asked === undefined || asked === loaded) return loaded;
  const message = `model: ${JSON.stringify(asked.slice(0, 80))} is not loaded; this server has ${JSON.stringify(loaded)}`;
  throw new ApiError(404, "model_not_found", message, { param: "model" });
}

/** One request under way: its answer, and how it is logged and ended. */
type Running = { readonly answer: Answer; readonly flight: Flight; readonly log: AnswerLog };

async function whole({ answer, flight, log }: Running): Promise<object> {
  try {
    return await wholeAnswer(answer);
  } catch (error) {
    throw log.failed(error);
  } finally {
    flight.end();
  }
}

async function streamed(
  { answer, flight, log }: Running,
  { headerDelay, keepAlive }: GenerationContext,
): Promise<ReadableStream<Uint8Array>> {
  const events = answerEvents(answer);
  const first = events.next();
  try {
    // What the engine refuses, it refuses at once: that is an answer with its own status, not a stream.
    await orUndefined(first, headerDelay);
  } catch (error) {
    flight.end();
    throw log.failed(error);
  }
  return eventStream(events, first, {
    keepAlive,
    onError: (error) => log.failed(error).body(),
    onClose: () => {
      log.closed();
      flight.end();
    },
  });
}
