export type { ApiErrorBody, ApiErrorType } from "./api-error.ts";
export type { ApiKey } from "./api-keys.ts";
export { type App, createApp } from "./app.ts";
export type { AppEnv } from "./app-env.ts";
export type { AppOptions } from "./app-options.ts";
export { EngineEvents } from "./engine-events.ts";
export type { EngineLike } from "./engine-like.ts";
export type { InFlight } from "./in-flight.ts";
export { type RunningServer, type ServerOptions, startServer } from "./start-server.ts";
