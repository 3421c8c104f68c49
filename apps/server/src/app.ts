import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import { except } from "hono/combine";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { type Logger, pino } from "pino";
import { ApiError } from "./api-error.ts";
import type { AppEnv } from "./app-env.ts";
import type { AppOptions } from "./app-options.ts";
import { authorization } from "./authorization.ts";
import { toApiError } from "./engine-failure.ts";
import type { EngineLike } from "./engine-like.ts";
import { EngineWatch } from "./engine-watch.ts";
import { InFlight } from "./in-flight.ts";
import { inferenceRoutes } from "./inference-routes.ts";
import { requestLimits } from "./request-limits.ts";

const openPaths = ["/health", "/health/ready"];

/** The HTTP interface of an engine, and the list of requests under way for whoever shuts it down. */
export type App = { readonly hono: Hono<AppEnv>; readonly inFlight: InFlight };

/**
 * OpenAI's routes over an engine, which stays the caller's. `hono.fetch` answers a `Request`; errors are JSON
 * of the shape `ApiErrorBody`.
 */
export function createApp(engine: EngineLike, options: AppOptions = {}): App {
  const logger = options.logger ?? pino({ level: "silent" });
  const inFlight = new InFlight();
  const watch = new EngineWatch();
  const created = Math.floor(Date.now() / 1000);
  const context = {
    engine,
    limits: requestLimits(engine),
    inFlight,
    logger,
    bodyLimit: options.bodyLimit ?? 8 * 1024 * 1024,
    maxWaiting: options.maxWaiting ?? 0,
    headerDelay: options.headerDelay ?? 2_000,
    keepAlive: options.keepAlive ?? 15_000,
    systemFingerprint: fingerprint(engine),
  };

  const hono = new Hono<AppEnv>();
  hono.use(requestId());
  hono.use(methodNotAllowed({ app: hono, onMethodNotAllowed: wrongMethod }));
  if (options.apiKey !== undefined) hono.use(except(openPaths, authorization(options.apiKey)));

  hono.get("/health", (c) => c.json({ status: "ok" }));
  hono.get("/health/ready", (c) => {
    const stalled = watch.observe(engine.stats(), performance.now()) > (options.stallLimit ?? 60_000);
    const status = inFlight.draining ? "shutting down" : stalled ? "stalled" : "ready";
    return c.json({ status }, status === "ready" ? 200 : 503);
  });
  hono.get("/v1/models", (c) => c.json({ object: "list", data: [modelBody(engine, created)] }));
  hono.get("/v1/models/:id{.+}", (c) => {
    const id = c.req.param("id");
    if (id === engine.info.model) return c.json(modelBody(engine, created));
    const message = `the model ${JSON.stringify(id.slice(0, 80))} is not loaded; this server has ${JSON.stringify(engine.info.model)}`;
    throw new ApiError(404, "model_not_found", message, { param: "model" });
  });
  hono.use("/v1/*", async (_, next) => {
    watch.observe(engine.stats(), performance.now());
    await next();
  });
  inferenceRoutes(context)(hono);

  hono.notFound((c) =>
    errorResponse(c, new ApiError(404, "not_found", `no route ${c.req.method} ${c.req.path.slice(0, 80)}`)),
  );
  hono.onError((error, c) => {
    const failure = toApiError(error);
    if (!c.get("hasAnswerLog")) logRefusal(logger, c, failure);
    return errorResponse(c, failure);
  });
  return { hono, inFlight };
}

/** Without the message, which may quote a prompt. */
function logRefusal(logger: Logger, c: Context<AppEnv>, { status, code, param, cause }: ApiError): void {
  const fields = { requestId: c.get("requestId"), path: c.req.path.slice(0, 80), code, param };
  if (status === 500) logger.error({ ...fields, err: cause }, "failed");
  else logger.info(fields, "refused");
}

function wrongMethod(c: Context, methods: readonly string[]): Response {
  const allowed = methods.join(", ");
  const message = `${c.req.method} ${c.req.path}: expected ${allowed}`;
  return errorResponse(c, new ApiError(405, "method_not_allowed", message, { headers: { Allow: allowed } }));
}

function errorResponse(c: Context, error: ApiError): Response {
  return c.json(error.body(), error.status, { ...error.headers });
}

function modelBody({ info }: EngineLike, created: number): object {
  return {
    id: info.model,
    object: "model",
    created,
    owned_by: "kvasir",
    max_model_len: info.maxPositions,
    kvasir: info,
  };
}

/** The same for servers that give the same answer to the same seed. */
function fingerprint({ info }: EngineLike): string {
  return `fp_${createHash("sha256").update(JSON.stringify(info)).digest("hex").slice(0, 10)}`;
}
