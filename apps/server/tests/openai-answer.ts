import type OpenAI from "openai";

type Body = OpenAI.ChatCompletionCreateParamsNonStreaming;
type Logprob = OpenAI.ChatCompletionTokenLogprob;

export type ClientChoice = {
  content: string;
  calls: { name: string; arguments: string }[];
  logprobs: Logprob[] | null;
  finish: string | null;
};

/** An answer as a client of OpenAI's library ends up with it. */
export type ClientAnswer = {
  readonly choices: readonly ClientChoice[];
  readonly usage: OpenAI.CompletionUsage | undefined;
};

export async function wholeAnswer(openai: OpenAI, body: Body): Promise<ClientAnswer> {
  const { choices, usage } = await openai.chat.completions.create(body);
  return {
    choices: choices.map(({ message, logprobs, finish_reason }) => ({
      content: message.content ?? "",
      calls: (message.tool_calls ?? []).flatMap((call) => ("function" in call ? [call.function] : [])),
      logprobs: logprobs?.content ?? null,
      finish: finish_reason,
    })),
    usage,
  };
}

/** The same from a stream. Throws where an event does not fit those before it. */
export async function streamedAnswer(openai: OpenAI, body: Body, usage: boolean): Promise<ClientAnswer> {
  const options = usage ? { stream_options: { include_usage: true } } : {};
  const stream = await openai.chat.completions.create({ ...body, stream: true, ...options });
  const choices: ClientChoice[] = [];
  let counted: OpenAI.CompletionUsage | undefined;
  for await (const chunk of stream) {
    if (chunk.usage) {
      if (chunk.choices.length > 0) throw new Error("usage comes with choices");
      counted = chunk.usage;
    }
    for (const choice of chunk.choices) add(choices, choice);
  }
  return { choices, usage: counted };
}

function add(
  choices: ClientChoice[],
  { index, delta, logprobs, finish_reason }: OpenAI.ChatCompletionChunk.Choice,
): void {
  choices[index] ??= { content: "", calls: [], logprobs: null, finish: null };
  const choice = choices[index];
  if (choice.finish !== null) throw new Error(`choice ${index} goes on after its end`);
  choice.content += delta.content ?? "";
  for (const call of delta.tool_calls ?? []) {
    if (call.id === undefined) choice.calls[call.index]!.arguments += call.function!.arguments!;
    else choice.calls[call.index] = { name: call.function!.name!, arguments: call.function!.arguments! };
  }
  if (logprobs?.content) choice.logprobs = [...(choice.logprobs ?? []), ...logprobs.content];
  choice.finish = finish_reason;
}
