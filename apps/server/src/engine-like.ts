import type { Engine, EngineInfo, EngineStats, GenerateRequest } from "@kvasir/core";
import type { CacheStats } from "./cache-stats.ts";

/** What an engine keeps of past requests, and may keep in files. */
export type SessionStore = Pick<
  Engine,
  "save" | "restore" | "erase" | "saveCache" | "loadCache" | "resetCache"
>;

/** What the server uses of an engine; `Engine` is one. What is optional answers 501 where an engine lacks it. */
export type EngineLike = SessionStore &
  Pick<Engine, "generate" | "tokenizer"> & {
    readonly info: EngineInfo & {
      /** The chat template's source: tells how the model writes tool calls. */
      readonly chatTemplate?: string;
    };
    stats(): EngineStats & Partial<CacheStats>;
    /** The ids that `generate` would run on. */
    encode?(request: EncodeRequest): Promise<Int32Array>;
    /** A text's vector. */
    embed?(request: EmbedRequest): Promise<Embedding>;
  };

/** A prompt, or a conversation as the chat template renders it. */
export type EncodeRequest = Pick<GenerateRequest, "prompt" | "messages" | "tools" | "templateVariables"> & {
  /** End with what makes the model answer; default true. */
  readonly addGenerationPrompt?: boolean;
};

export type EmbedRequest = Pick<GenerateRequest, "id" | "priority" | "deadline" | "tenant" | "signal"> & {
  readonly prompt: string | readonly number[] | Int32Array;
  /** The mean over all tokens or the last token's; default: the engine's. */
  readonly pooling?: "mean" | "last";
  /** To length 1; default true. */
  readonly normalize?: boolean;
};

export type Embedding = { readonly vector: Float32Array; readonly promptTokens: number };

/** A message as the engine takes it. */
export type EngineMessage = NonNullable<GenerateRequest["messages"]>[number];

/** Text to ids and back. */
export type EngineTokenizer = NonNullable<EngineLike["tokenizer"]>;
