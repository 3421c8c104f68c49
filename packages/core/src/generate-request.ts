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
  /** Ends the request; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal;
};
