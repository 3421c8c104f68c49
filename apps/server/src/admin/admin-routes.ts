import { Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import type { AdminContext } from "./admin-context.ts";
import { cacheRoutes } from "./cache-routes.ts";
import { slotRoutes } from "./slot-routes.ts";

/** What asks for the admin key. */
export const adminPaths = [
  "/slots",
  "/slots/*",
  "/props",
  "/cache/*",
  "/reset_prefix_cache",
  "/flush_cache",
] as const;

/** The routes of administration; who may use them is checked before. */
export function adminRoutes(context: AdminContext): Hono<AppEnv> {
  const hono = new Hono<AppEnv>();
  hono.get("/props", (c) => c.json(props(context)));
  hono.route("/", slotRoutes(context));
  hono.route("/", cacheRoutes(context));
  return hono;
}

function props({ engine, maxRunning }: AdminContext): object {
  const { info } = engine;
  const { chatTemplate } = info;
  return {
    default_generation_settings: { n_ctx: info.maxPositions },
    total_slots: maxRunning,
    model_alias: info.model,
    ...(chatTemplate === undefined ? {} : { chat_template: chatTemplate }),
    kvasir: info,
  };
}
