import type { Logger } from "pino";
import type { ApiKey } from "./api-keys.ts";
import type { EngineEvents } from "./engine-events.ts";

/** All optional; times in milliseconds. */
export type AppOptions = {
  /** One of them is asked for on every route but `/health` and `/health/ready`; each is a tenant. Default: none is needed. */
  readonly apiKeys?: readonly (string | ApiKey)[];
  /** Enters the tenants' salts; default: they go by the keys alone. */
  readonly cacheSecret?: string;
  /** All keys share cached prefixes; default false. */
  readonly sharePrefixes?: boolean;
  /** Opens the routes of administration; default: they answer 403. */
  readonly adminKey?: string;
  /** Those routes are open without a key; default false. Only for a server without API keys that this machine alone reaches. */
  readonly openAdmin?: boolean;
  /** Where sessions and caches are saved; default: nowhere. */
  readonly slotSavePath?: string;
  /** Bytes of a request's body at most; default 8 MiB. */
  readonly bodyLimit?: number;
  /** Requests that may wait; one more gets a 429 before its body is read. Default: only the engine refuses. */
  readonly maxWaiting?: number;
  /** Prompt tokens that may wait; with more, a request gets a 429 before its body is read. Default: only the engine refuses. */
  readonly maxWaitingTokens?: number;
  /** After this long a request that names no deadline fails with 504; default: never. */
  readonly requestDeadline?: number;
  /** A stream's headers go out after this long even if there is no first token; default 2,000. */
  readonly headerDelay?: number;
  /** Silence in a stream after which a comment is sent; default 15,000. */
  readonly keepAlive?: number;
  /** Time without a step, while there is work, after which `/health/ready` says 503; default 60,000. */
  readonly stallLimit?: number;
  /** Requests that run at once, for `/slots` and `/props`; default 64. */
  readonly maxRunning?: number;
  /** Names of metrics besides our own; default: none. */
  readonly metricsCompat?: "vllm";
  /** Of the engine, for metrics and logs; default: none are told. */
  readonly events?: EngineEvents;
  /** Default: no log. */
  readonly logger?: Logger;
};
