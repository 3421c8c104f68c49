import type { Operation } from "./operation.ts";
import type { SchemaName } from "./schemas.ts";

const get = (path: string, summary: string, schema: SchemaName, more: Partial<Operation>): Operation => ({
  method: "get",
  path,
  summary,
  tag: "operation",
  access: "key",
  answers: { 200: { description: summary, schema } },
  errors: [],
  ...more,
});

const admin = (
  path: string,
  summary: string,
  schema: SchemaName,
  more: Partial<Operation> = {},
): Operation => ({
  ...get(path, summary, schema, {}),
  method: "post",
  tag: "administration",
  access: "admin",
  ...more,
});

const file = { body: { schema: "File", examples: { file: { filename: "chat-1.kv" } } } } as const;
const fileErrors = [400, 404, 409, 413, 415, 501] as const;

/** Of a check that says 503 with the same body where it does not pass. */
const check = (path: string, summary: string, schema: SchemaName, access: Operation["access"]): Operation =>
  get(path, summary, schema, {
    access,
    answers: { 200: { description: summary, schema }, 503: { description: "It does not", schema } },
  });

const reset = (path: string): Operation =>
  admin(path, "Forgets every prefix that no running request uses, and all sessions", "CacheReset", {
    query: {
      reset_running_requests: "vLLM's; only false",
      reset_external: "vLLM's; only false",
    },
    errors: [400, 501],
  });

/** The routes for whoever runs the server. */
export const serverOperations: readonly Operation[] = [
  get("/v1/models", "The one model, as a list", "Models", { tag: "models" }),
  get("/v1/models/{id}", "The model", "Model", { tag: "models", errors: [404] }),
  get("/openapi.json", "This document", "Document", {}),
  get("/health", "The process answers", "Health", { access: "open" }),
  check("/health/ready", "The server takes requests", "Health", "open"),
  check("/health/decode", "Tokens come, or nothing is to be done", "DecodeHealth", "key"),
  {
    ...get("/metrics", "Metrics for Prometheus", "Document", {}),
    answers: { 200: { description: "Prometheus's text format" } },
  },
  admin("/props", "What is loaded", "Props", { method: "get" }),
  admin("/slots", "What runs, and slots that are free", "Slots", {
    method: "get",
    query: { fail_on_no_slot: "1: answer 503 where no slot is free" },
    errors: [503],
  }),
  admin("/slots/{id}", "Saves, restores or forgets a session", "Slot", {
    ...file,
    query: {
      action: "save, restore or erase",
      tenant: "the name of the API key whose session it is",
      cache_salt: "the salt that the session's requests had",
    },
    errors: fileErrors,
  }),
  ...["/cache/reset", "/reset_prefix_cache", "/flush_cache"].map(reset),
  admin("/cache/save", "Writes all prefixes to a file", "CacheSave", { ...file, errors: fileErrors }),
  admin("/cache/load", "Reads prefixes from a file", "CacheLoad", { ...file, errors: fileErrors }),
];
