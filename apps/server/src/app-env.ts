import type { RequestIdVariables } from "hono/request-id";

/** What the routes keep about a request. */
export type AppEnv = {
  Variables: RequestIdVariables & {
    /** Whose cached prefixes the request may use: the salt of its API key's tenant, "" without keys. */
    tenant: string;
    /** The name of the API key; undefined without keys. */
    keyName?: string;
    /** Set once the engine has the request: an `AnswerLog` then writes what becomes of it. */
    hasAnswerLog?: boolean;
  };
};
