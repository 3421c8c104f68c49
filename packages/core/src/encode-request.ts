import type { GenerateRequest } from "./generate-request.ts";

/** What to turn into ids; exactly one of `prompt` and `messages`. */
export type EncodeRequest = Pick<GenerateRequest, "prompt" | "messages" | "tools" | "templateVariables"> & {
  /** End a conversation with what makes the model answer; default true. */
  readonly addGenerationPrompt?: boolean;
};
