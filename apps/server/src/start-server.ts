import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import { ApiError } from "./api-error.ts";
import { createApp } from "./app.ts";
import type { AppOptions } from "./app-options.ts";
import { shuttingDown, toApiError } from "./engine-failure.ts";
import type { EngineLike } from "./engine-like.ts";
import type { InFlight } from "./in-flight.ts";

export type ServerOptions = AppOptions & {
  /** Default `127.0.0.1`: this machine alone. */
  readonly host?: string;
  /** Default 8080; 0: any free one. */
  readonly port?: number;
};

export type RunningServer = {
  /** Where a client on this machine reaches it, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no more requests, waits up to `drain` milliseconds for those under way, ends the rest with an error
   * and closes. Called again, with 0 say, it shortens the wait. Idempotent; the engine stays the caller's.
   */
  stop(drain?: number): Promise<void>;
};

/** Milliseconds for last bytes to reach their clients. */
const flushTime = 1_000;

/**
 * Serves an engine over HTTP. Rejects with the system's error where it can not listen, and with a `RangeError` for keys
 * that no header carries and for routes of administration that anyone could use.
 */
export async function startServer(engine: EngineLike, options: ServerOptions = {}): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  checkOpenAdmin(host, options);
  const app = createApp(engine, options);
  const { hono, inFlight, health } = app;
  const errorHandler = (error: unknown) => {
    const failure = toApiError(
      error instanceof Error && error.name === "RequestError" ? badRequest() : error,
    );
    return Response.json(failure.body(), { status: failure.status });
  };
  const listener = getRequestListener(hono.fetch, {
    errorHandler,
    overrideGlobalObjects: false,
    // For requests without a Host, as HTTP/1.0 allows them.
    hostname: "localhost",
  });
  const server = createServer(listener);
  server.on("clientError", answerMalformed);
  const stopper = new Stopper(server, inFlight);
  await listen(server, host, options.port ?? 8080).catch((error) => {
    app.dispose();
    throw error;
  });
  health.start();
  const { port } = server.address() as AddressInfo;
  return {
    url: urlOf(host, port),
    port,
    stop: (drain = 0) => stopper.stop(drain).finally(() => app.dispose()),
  };
}

/** Throws where routes of administration without a key would be open to more than this machine. */
function checkOpenAdmin(host: string, { openAdmin = false, adminKey, apiKeys = [] }: ServerOptions): void {
  if (!openAdmin || adminKey !== undefined || (isLoopback(host) && apiKeys.length === 0)) return;
  const when = isLoopback(host) ? "where there are API keys" : `where other machines reach ${host}`;
  throw new RangeError(`openAdmin: expected false ${when}; set adminKey`);
}

/** Only this machine reaches it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

class Stopper {
  readonly #server: Server;
  readonly #inFlight: InFlight;
  readonly #responses = new Set<ServerResponse>();
  #waiting = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(server: Server, inFlight: InFlight) {
    this.#server = server;
    this.#inFlight = inFlight;
    server.on("request", (_, response: ServerResponse) => {
      this.#responses.add(response);
      response.once("close", () => this.#responses.delete(response));
    });
  }

  async stop(drain: number): Promise<void> {
    this.#inFlight.draining = true;
    this.#waiting.abort();
    this.#waiting = new AbortController();
    const deadline = delay(drain, undefined, { signal: this.#waiting.signal }).then(
      () => this.#inFlight.abort(shuttingDown()),
      () => {},
    );
    this.#stopped ??= this.#close();
    await this.#stopped;
    this.#waiting.abort();
    await deadline;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#inFlight.whenIdle();
    const last = AbortSignal.timeout(flushTime);
    for (const response of this.#responses) await once(response, "close", { signal: last }).catch(() => {});
    // What is left has no request, or one that does not get on.
    this.#server.closeAllConnections();
    await closed;
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function urlOf(host: string, port: number): string {
  const everywhere = host === "0.0.0.0" || host === "::";
  const name = everywhere ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

function badRequest(): ApiError {
  return new ApiError(400, "malformed_request", "the request is not well-formed HTTP");
}

/** What Node's parser refuses never becomes a request; it is answered here, in the same shape. */
function answerMalformed(_: Error, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(badRequest().body());
  const head = `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\n\r\n${body}`);
}
