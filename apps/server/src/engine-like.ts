import type { Engine, GenerateRequest } from "@kvasir/core";

/** What the server uses of an engine; `Engine` is one. */
export type EngineLike = Pick<Engine, "info" | "generate" | "stats">;

/** A message as the engine takes it. */
export type EngineMessage = NonNullable<GenerateRequest["messages"]>[number];
