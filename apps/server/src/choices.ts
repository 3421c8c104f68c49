import type { GenerateChunk, GenerateRequest } from "@kvasir/core";
import { type ApiRequest, seedOf } from "./api-request.ts";
import type { EchoedPrompt } from "./choice-reader.ts";
import type { EngineLike } from "./engine-like.ts";
import { interleave } from "./interleave.ts";
import { invalidValue } from "./request-error.ts";

/** One of the engine's pieces, and the choice of which it is. */
export type ChoiceChunk = {
  readonly index: number;
  readonly chunk: GenerateChunk;
  /** The prompt that the choice begins with. */
  readonly echo: EchoedPrompt | undefined;
};

/** What the engine is told of a request besides its fields. */
export type RequestOrigin = Pick<GenerateRequest, "id" | "signal" | "tenant">;

type Prepared = { readonly generate: GenerateRequest; readonly echo: EchoedPrompt | undefined };

/**
 * Runs all choices of a request at once and yields their pieces as they come: those of a prompt follow each other, each
 * with a seed of its own. Whatever the engine throws ends all.
 */
export async function* generateChoices(
  engine: EngineLike,
  request: ApiRequest,
  origin: RequestOrigin,
): AsyncGenerator<ChoiceChunk, void> {
  const prepared = await Promise.all(request.prompts.map((prompt) => prepare(engine, request, prompt)));
  const choices = prepared.flatMap(({ generate, echo }) =>
    Array.from({ length: request.n }, (_, at) => ({ generate: withSeed(generate, at), echo })),
  );
  const sources = choices.map(({ generate }, at) =>
    engine.generate({
      ...generate,
      ...origin,
      ...(choices.length > 1 && origin.id && { id: `${origin.id}-${at}` }),
    }),
  );
  for await (const { index, value } of interleave(sources)) {
    yield { index, chunk: value, echo: choices[index]!.echo };
  }
}

function withSeed(generate: GenerateRequest, choice: number): GenerateRequest {
  return generate.seed === undefined ? generate : { ...generate, seed: seedOf(generate.seed, choice) };
}

/** What is needed more than once, or repeated, becomes ids here. */
async function prepare(engine: EngineLike, request: ApiRequest, prompt: GenerateRequest): Promise<Prepared> {
  const once = request.n === 1 && prompt.promptLogprobs === undefined;
  const generate = once ? prompt : await withIds(engine, prompt);
  return { generate, echo: request.echo ? echoOf(engine, prompt, generate) : undefined };
}

async function withIds(engine: EngineLike, generate: GenerateRequest): Promise<GenerateRequest> {
  const { messages, tools, templateVariables, prompt, ...rest } = generate;
  if (engine.encode === undefined || (prompt !== undefined && typeof prompt !== "string")) return generate;
  const ids = await engine.encode({
    ...(messages === undefined ? { prompt } : { messages }),
    ...(tools === undefined ? {} : { tools }),
    ...(templateVariables === undefined ? {} : { templateVariables }),
  });
  return { ...rest, prompt: ids };
}

function echoOf(
  { tokenizer }: EngineLike,
  asked: GenerateRequest,
  { prompt }: GenerateRequest,
): EchoedPrompt {
  if (tokenizer === undefined)
    throw invalidValue("echo", "this checkpoint has no tokenizer to spell the prompt");
  const id = typeof prompt === "string" ? undefined : prompt?.[0];
  const first = asked.promptLogprobs === undefined || id === undefined ? undefined : id;
  return {
    text: typeof asked.prompt === "string" ? asked.prompt : tokenizer.decode(asked.prompt ?? []),
    first:
      first === undefined
        ? undefined
        : {
            id: first,
            bytes: tokenizer.tokenBytes(first),
            special: tokenizer.isSpecial(first),
            logprob: undefined,
            top: [],
          },
  };
}
