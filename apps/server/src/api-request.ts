import type { GenerateRequest } from "@kvasir/core";
import type { FieldNames } from "./field-names.ts";
import { invalidValue } from "./request-error.ts";
import type { ToolUse } from "./tool-use.ts";

/** A request of either endpoint, checked. */
export type ApiRequest = {
  /** One for each prompt, for the engine; still without signal and tenant. */
  readonly prompts: readonly GenerateRequest[];
  /** Choices for each prompt. */
  readonly n: number;
  /** Undefined: the one that is loaded. */
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Each choice begins with its prompt. */
  readonly echo: boolean;
  /** Nothing is generated: the prompt alone is the answer. */
  readonly promptOnly: boolean;
  /** Whether and how calls of tools are read from the text. */
  readonly tools: ToolUse | undefined;
  /** Say what the prefix cache had. */
  readonly cacheReport: boolean;
  /** For errors of the engine. */
  readonly fieldNames: FieldNames;
};

/** A 400 where options of a stream are given and no stream is asked for. */
export function checkStreamOptions(stream: boolean, options: object | null | undefined): void {
  if (!stream && options) throw invalidValue("stream_options", 'goes only with "stream": true');
}

/** The seed of a prompt's choice number `choice`: the first has the request's own. */
export function seedOf(seed: GenerateRequest["seed"], choice: number): GenerateRequest["seed"] {
  if (seed === undefined || choice === 0) return seed;
  const next = Number(seed) + choice;
  return Number.isSafeInteger(next) ? next : BigInt(seed) + BigInt(choice);
}
