/** Tokens as a server counts them. */
export type TokenCounts = {
  readonly prompt: number;
  readonly output: number;
  /** Absent where the server does not report it. */
  readonly cached?: number;
};

/** What is read of an answer, or of one event of it. */
export type AnswerParts = {
  readonly text: string;
  /** There is text, reasoning or a part of a tool call. */
  readonly hasOutput: boolean;
  readonly finishReason?: string;
  readonly usage?: TokenCounts;
  readonly error?: string;
};

/** Reads objects of both endpoints, streamed and whole; what is missing or of another type is left out. */
export function answerParts(answer: unknown): AnswerParts {
  const error = at(answer, "error");
  if (typeof error === "object" && error !== null)
    return { text: "", hasOutput: false, error: errorCode(answer) };
  const choice = at(at(answer, "choices"), 0);
  const said = at(choice, "delta") ?? at(choice, "message") ?? choice;
  const pieces = [at(said, "reasoning_content"), at(said, "content"), at(said, "text")];
  const text = pieces.filter((piece) => typeof piece === "string").join("");
  const calls = at(said, "tool_calls");
  const finishReason = at(choice, "finish_reason");
  const usage = countsOf(at(answer, "usage"));
  return {
    text,
    hasOutput: text !== "" || (Array.isArray(calls) && calls.length > 0),
    ...(typeof finishReason === "string" && { finishReason }),
    ...(usage && { usage }),
  };
}

/** `code`, or else `type`, of OpenAI's error body. */
export function errorCode(body: unknown): string {
  const error = at(body, "error");
  const code = at(error, "code") ?? at(error, "type");
  return typeof code === "string" ? code.slice(0, 80) : typeof code === "number" ? String(code) : "no-code";
}

function countsOf(usage: unknown): TokenCounts | undefined {
  const [prompt, output] = [at(usage, "prompt_tokens"), at(usage, "completion_tokens")];
  if (typeof prompt !== "number" || typeof output !== "number") return undefined;
  const cached = at(at(usage, "prompt_tokens_details"), "cached_tokens");
  return { prompt, output, ...(typeof cached === "number" && { cached }) };
}

function at(value: unknown, key: string | number): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string | number, unknown>)[key];
}
