import { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";
import type { EngineHealth } from "./engine-health.ts";
import type { EngineLike } from "./engine-like.ts";
import type { InFlight } from "./in-flight.ts";
import type { RequestsUnderWay } from "./requests-under-way.ts";

/** Of these, no key is asked for: whoever starts and stops processes has none. */
export const openPaths = ["/health", "/health/ready"];

export type HealthContext = {
  readonly engine: EngineLike;
  readonly inFlight: InFlight;
  readonly health: EngineHealth;
  readonly underWay: RequestsUnderWay;
};

/** `/health`: the process; `/health/ready`: whether to send requests; `/health/decode`: whether tokens come. */
export function healthRoutes({ engine, inFlight, health, underWay }: HealthContext): Hono<AppEnv> {
  const hono = new Hono<AppEnv>();
  hono.get("/health", (c) => c.json({ status: "ok" }));
  hono.get("/health/ready", (c) => {
    const stalled = health.isStalled();
    const status = inFlight.draining ? "shutting down" : stalled ? "stalled" : "ready";
    return c.json({ status }, status === "ready" ? 200 : 503);
  });
  hono.get("/health/decode", (c) => {
    const { running, waiting } = engine.stats();
    const stalled = health.isStalled();
    const status = stalled ? "stalled" : running + waiting > 0 ? "ok" : "idle";
    const { lastToken } = underWay;
    const body = {
      status,
      running,
      last_token_age_seconds: lastToken === undefined ? null : (performance.now() - lastToken) / 1000,
      stall_threshold_seconds: health.stallLimit / 1000,
    };
    return c.json(body, stalled ? 503 : 200);
  });
  return hono;
}
