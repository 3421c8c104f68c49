import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import { except } from "hono/combine";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { type Logger, pino } from "pino";
import { adminPaths, adminRoutes } from "./admin/admin-routes.ts";
import { Admission } from "./admission.ts";
import { ApiError } from "./api-error.ts";
import { ApiKeys } from "./api-keys.ts";
import type { AppEnv } from "./app-env.ts";
import type { AppOptions } from "./app-options.ts";
import { adminAuthorization, authorization } from "./authorization.ts";
import { toApiError } from "./engine-failure.ts";
import { EngineHealth } from "./engine-health.ts";
import type { EngineLike } from "./engine-like.ts";
import { logEvent } from "./engine-log.ts";
import { healthRoutes, openPaths } from "./health-routes.ts";
import { InFlight } from "./in-flight.ts";
import { inferenceRoutes } from "./inference-routes.ts";
import { Metrics } from "./metrics/metrics.ts";
import { ObservedEngine } from "./observed-engine.ts";
import { openApiDocument } from "./open-api/document.ts";
import { requestLimits } from "./request-limits.ts";
import { RequestsUnderWay } from "./requests-under-way.ts";

/** The HTTP interface of an engine, and what whoever starts it and shuts it down needs. */
export type App = {
  readonly hono: Hono<AppEnv>;
  /** The requests under way. */
  readonly inFlight: InFlight;
  readonly health: EngineHealth;
  /** Ends its measuring; the routes stay. */
  dispose(): void;
};

/**
 * OpenAI's routes over an engine, which stays the caller's. `hono.fetch` answers a `Request`; errors are JSON
 * of the shape `ApiErrorBody`.
 */
export function createApp(engine: EngineLike, options: AppOptions = {}): App {
  const logger = options.logger ?? pino({ level: "silent" });
  const inFlight = new InFlight();
  const underWay = new RequestsUnderWay();
  const health = new EngineHealth(engine, options.stallLimit ?? 60_000, logger);
  const metrics = new Metrics(engine);
  const limits = { maxWaiting: options.maxWaiting ?? 0, maxWaitingTokens: options.maxWaitingTokens ?? 0 };
  const admission = new Admission(engine, inFlight, limits, (reason) => metrics.rejected(reason));
  const created = Math.floor(Date.now() / 1000);
  const observed = new ObservedEngine(engine, {
    metrics: metrics.requests,
    underWay,
    deadline: options.requestDeadline,
  });
  const context = {
    engine: observed.unmeasured,
    observe: observed.observe,
    limits: requestLimits(engine),
    inFlight,
    logger,
    bodyLimit: options.bodyLimit ?? 8 * 1024 * 1024,
    headerDelay: options.headerDelay ?? 2_000,
    keepAlive: options.keepAlive ?? 15_000,
    systemFingerprint: fingerprint(engine),
  };
  const unsubscribe = options.events?.subscribe((event) => {
    metrics.observe(event);
    logEvent(logger, event);
  });

  const hono = new Hono<AppEnv>();
  const keys = new ApiKeys(options.apiKeys ?? [], options);
  hono.use(requestId());
  hono.use(methodNotAllowed({ app: hono, onMethodNotAllowed: wrongMethod }));
  hono.use(except([...openPaths, ...adminPaths], authorization(keys)));
  for (const path of adminPaths) hono.use(path, adminAuthorization(keys, options));

  hono.route("/", healthRoutes({ engine, inFlight, health, underWay }));
  hono.get("/metrics", async (c) => {
    const text = await metrics.text(options.metricsCompat === "vllm");
    return c.text(text, 200, { "Content-Type": metrics.contentType });
  });
  hono.route(
    "/",
    adminRoutes({
      engine,
      underWay,
      metrics,
      logger,
      keys,
      slotSavePath: options.slotSavePath,
      maxRunning: options.maxRunning ?? 64,
    }),
  );
  hono.get("/v1/models", (c) => c.json({ object: "list", data: [modelBody(engine, created)] }));
  hono.get("/v1/models/:id{.+}", (c) => {
    const id = c.req.param("id");
    if (id === engine.info.model) return c.json(modelBody(engine, created));
    const message = `the model ${JSON.stringify(id.slice(0, 80))} is not loaded; this server has ${JSON.stringify(engine.info.model)}`;
    throw new ApiError(404, "model_not_found", message, { param: "model" });
  });
  hono.use("/v1/*", async (_, next) => {
    health.isStalled();
    await next();
  });
  hono.use("/v1/*", admission.middleware);
  hono.route("/", inferenceRoutes(context));

  hono.get("/openapi.json", (c) => c.json(openApiDocument()));

  hono.notFound((c) =>
    errorResponse(c, new ApiError(404, "not_found", `no route ${c.req.method} ${c.req.path.slice(0, 80)}`)),
  );
  hono.onError((error, c) => {
    const failure = withPatience(toApiError(error), admission);
    if (!c.get("hasAnswerLog")) logRefusal(logger, c, failure);
    return errorResponse(c, failure);
  });
  const dispose = () => {
    unsubscribe?.();
    health.stop();
    metrics.dispose();
  };
  return { hono, inFlight, health, dispose };
}

/** A refusal for want of room says when there may be some. */
function withPatience(error: ApiError, admission: Admission): ApiError {
  if (error.status !== 429) return error;
  const headers = { ...error.headers, "Retry-After": String(admission.retryAfter()) };
  return new ApiError(error.status, error.code, error.message, {
    headers,
    cause: error.cause,
    ...(error.param === null ? {} : { param: error.param }),
  });
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
