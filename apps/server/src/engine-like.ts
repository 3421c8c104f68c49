import type { Engine, GenerateRequest } from "@kvasir/core";

/** What an engine keeps of past requests, and may keep in files. */
export type SessionStore = Pick<
  Engine,
  "save" | "restore" | "erase" | "saveCache" | "loadCache" | "resetCache"
>;

/** What the server uses of an engine; `Engine` is one. */
export type EngineLike = SessionStore &
  Pick<Engine, "info" | "generate" | "tokenizer" | "stats" | "encode" | "embed">;

/** A message as the engine takes it. */
export type EngineMessage = NonNullable<GenerateRequest["messages"]>[number];

/** Text to ids and back. */
export type EngineTokenizer = NonNullable<EngineLike["tokenizer"]>;
