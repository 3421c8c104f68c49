import type { Engine, EngineStats, GenerateRequest } from "@kvasir/core";
import type { CacheStats } from "./cache-stats.ts";
import type { SessionStore } from "./session-store.ts";

/** What the server uses of an engine; `Engine` is one. What is optional answers 501 where an engine lacks it. */
export type EngineLike = Pick<Engine, "info" | "generate"> & {
  stats(): EngineStats & Partial<CacheStats>;
} & Partial<SessionStore>;

/** A message as the engine takes it. */
export type EngineMessage = NonNullable<GenerateRequest["messages"]>[number];
