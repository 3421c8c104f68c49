import type { PolicyChoice } from "./engine-options.ts";

/** One message of a conversation, in the form of the chat completions API; plain data, as JSON has it. */
export type ChatMessage = { readonly role: string; readonly content?: unknown } & Readonly<
  Record<string, unknown>
>;

/** One request; exactly one of `prompt` and `messages`. Ranges are checked; an error names the field. */
export type GenerateRequest = {
  /** Text (special tokens in it are plain text; the model's BOS is added), or token ids taken as they are. */
  readonly prompt?: string | readonly number[] | Int32Array;
  /** A conversation, rendered by the checkpoint's chat template. */
  readonly messages?: readonly ChatMessage[];
  /** Tokens to generate at most, at least 1; default: what the context leaves. */
  readonly maxTokens?: number;
  /** Up to 16 strings that end the text; none of them is emitted. */
  readonly stop?: string | readonly string[];
  /** [0, 2]; 0 is greedy; default 1. */
  readonly temperature?: number;
  /** >= 0; 0 (default): off. */
  readonly topK?: number;
  /** (0, 1]; default 1. */
  readonly topP?: number;
  /** [0, 1]; default 0. */
  readonly minP?: number;
  /** (0, 10]; default 1. */
  readonly repetitionPenalty?: number;
  /** [-2, 2]; default 0. */
  readonly presencePenalty?: number;
  /** [-2, 2]; default 0. */
  readonly frequencyPenalty?: number;
  /** Token id to what is added to its logit, [-100, 100]; at most 1,024. */
  readonly logitBias?: Readonly<Record<string, number>>;
  /** The same seed and request give the same text; default: random. A safe integer or a 64-bit bigint. */
  readonly seed?: number | bigint;
  /** Report log-probabilities: 0 for the sampled tokens alone, up to 20 alternatives each; default: none. */
  readonly logprobs?: number;
  /** Go on after the end-of-sequence token; default false. */
  readonly ignoreEos?: boolean;
  /** Replaces the engine's policy for this request. */
  readonly kvCache?: PolicyChoice;
  /** What the answer must be: JSON, or JSON that a schema describes; enforced while sampling. Default: any text. */
  readonly format?: ResponseFormat;
  /** Report log-probabilities of the prompt's own tokens on the first piece, with up to 20 alternatives each; default: none. Such a prompt is computed whole, cached or not. */
  readonly promptLogprobs?: number;
  /** Tools that the chat template may describe, in the form of the chat completions API; with `messages` only. */
  readonly tools?: readonly unknown[];
  /** Further variables of the chat template, such as `enable_thinking`; with `messages` only. */
  readonly templateVariables?: Readonly<Record<string, unknown>>;
  /** For events and logs, 1 to 128 characters; default: made up. */
  readonly id?: string;
  /** Lower goes first, [-100, 100], and is preempted last; default 0. */
  readonly priority?: number;
  /** Milliseconds after which the request fails with `deadline-exceeded`, [1, 86,400,000]; default: none. */
  readonly deadline?: number;
  /** Whose cached prefixes it may use and leave, up to 512 characters: from whoever is trusted, never from the client. Default "". */
  readonly tenant?: string;
  /** Keeps prefixes apart within a tenant, up to 512 characters. Default "". */
  readonly cacheSalt?: string;
  /** Use cached prefixes and leave its own; default true. */
  readonly cachePrompt?: boolean;
  /** How long its prefix should outlive others under memory pressure; default: by last use alone. */
  readonly retention?: Retention;
  /** Remembers the conversation under this name for `Engine.save`: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly session?: string;
  /** Ends the request; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal;
};

/** Both kinds end the text when the value is complete. */
export type ResponseFormat =
  | { readonly type: "json-object" }
  | { readonly type: "json-schema"; readonly schema: Readonly<Record<string, unknown>> | boolean };

/** A wish, not a lock: above others in order of priority until its time is over, but never in the way of running requests. */
export type Retention = {
  /** 0 (none) to 99. */
  readonly priority: number;
  /** Seconds after the last use, [1, 86,400]; then the priority counts as 0. */
  readonly ttlSeconds: number;
};
