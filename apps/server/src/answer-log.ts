import type { Context } from "hono";
import type { Logger } from "pino";
import type { AnswerEnd } from "./answer.ts";
import type { ApiError } from "./api-error.ts";
import type { ApiRequest } from "./api-request.ts";
import type { AppEnv } from "./app-env.ts";
import { toApiError } from "./engine-failure.ts";

type LoggedRequest = Pick<ApiRequest, "stream" | "fieldNames">;

/** Writes one line when a request ends, however it does. */
export class AnswerLog {
  readonly #logger: Logger;
  readonly #client: AbortSignal;
  readonly #request: LoggedRequest;
  readonly #fields: object;
  readonly #start = performance.now();
  #logged = false;

  constructor(logger: Logger, c: Context<AppEnv>, id: string, request: LoggedRequest) {
    c.set("hasAnswerLog", true);
    this.#logger = logger;
    this.#client = c.req.raw.signal;
    this.#request = request;
    this.#fields = {
      id,
      requestId: c.get("requestId"),
      path: c.req.path,
      stream: request.stream,
      key: c.get("keyName"),
    };
  }

  ended({ finishReason, usage }: Partial<AnswerEnd>): void {
    this.#log("info", { ...usage, finishReason }, "answered");
  }

  /** What to tell the client; the cause goes to the log. */
  failed(error: unknown): ApiError {
    const failure = toApiError(error, this.#request.fieldNames);
    if (this.#client.aborted) this.closed();
    else if (failure.status === 500) this.#log("error", { code: failure.code, err: failure.cause }, "failed");
    else this.#log("info", { code: failure.code, param: failure.param }, "refused");
    return failure;
  }

  /** Says something only if nothing was said before. */
  closed(): void {
    this.#log("info", {}, "aborted by the client");
  }

  #log(level: "info" | "error", fields: object, message: string): void {
    if (this.#logged) return;
    this.#logged = true;
    const milliseconds = Math.round(performance.now() - this.#start);
    this.#logger[level]({ ...this.#fields, milliseconds, ...fields }, message);
  }
}
