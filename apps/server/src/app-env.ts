import type { RequestIdVariables } from "hono/request-id";

/** What the routes keep about a request. */
export type AppEnv = { Variables: RequestIdVariables };
