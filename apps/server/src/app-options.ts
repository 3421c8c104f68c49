import type { Logger } from "pino";

/** All optional; times in milliseconds. */
export type AppOptions = {
  /** Asked for on every route but `/health` and `/health/ready`; default: none is needed. */
  readonly apiKey?: string;
  /** Bytes of a request's body at most; default 8 MiB. */
  readonly bodyLimit?: number;
  /** Requests that may wait; one more gets a 429 before its body is read. Default: only the engine refuses. */
  readonly maxWaiting?: number;
  /** A stream's headers go out after this long even if there is no first token; default 2,000. */
  readonly headerDelay?: number;
  /** Silence in a stream after which a comment is sent; default 15,000. */
  readonly keepAlive?: number;
  /** Time without a step, while there is work, after which `/health/ready` says 503; default 60,000. */
  readonly stallLimit?: number;
  /** Default: no log. */
  readonly logger?: Logger;
};
