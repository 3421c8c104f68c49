import type { RequestIdVariables } from "hono/request-id";

/** What the routes keep about a request. */
export type AppEnv = {
  Variables: RequestIdVariables & {
    /** Set once the engine has the request: an `AnswerLog` then writes what becomes of it. */
    hasAnswerLog?: boolean;
    /** Whose cached prefixes the request may use, as its key says; absent: the one that all share. */
    tenant?: string;
  };
};
