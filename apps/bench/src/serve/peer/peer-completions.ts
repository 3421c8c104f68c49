import type { LlamaModel } from "../../llama-api.ts";
import type { FreeSequences } from "./free-sequences.ts";

export type PeerModel = Pick<LlamaModel, "tokens" | "tokenize" | "detokenize">;

/** What is read of a request's body. */
export type PeerRequest = {
  readonly prompt: string | readonly number[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly ignoreEos: boolean;
  readonly seed?: number;
  readonly stream: boolean;
};

export type PeerEvent =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "end";
      readonly finishReason: "stop" | "length";
      readonly promptTokens: number;
      readonly outputTokens: number;
      readonly cachedTokens: number;
    };

/** Reads a body. Throws `RangeError` naming what is wrong with it. */
export function peerRequest(body: unknown): PeerRequest {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const { prompt, max_tokens: maxTokens = 16, temperature = 1, ignore_eos: ignoreEos, seed, stream } = fields;
  const isIds =
    Array.isArray(prompt) && prompt.length > 0 && prompt.every((id) => Number.isInteger(id) && id >= 0);
  if (typeof prompt !== "string" && !isIds) throw new RangeError("prompt: expected text or token ids");
  if (typeof maxTokens !== "number" || !Number.isInteger(maxTokens) || maxTokens < 1)
    throw new RangeError("max_tokens: expected a whole number above 0");
  if (typeof temperature !== "number" || !(temperature >= 0 && temperature <= 2))
    throw new RangeError("temperature: expected 0 to 2");
  if (stream !== undefined && typeof stream !== "boolean")
    throw new RangeError("stream: expected true or false");
  return {
    prompt: prompt as PeerRequest["prompt"],
    maxTokens,
    temperature,
    ignoreEos: ignoreEos === true,
    stream: stream === true,
    ...(typeof seed === "number" && Number.isInteger(seed) && { seed }),
  };
}

/**
 * Answers a request on one of a context's sequences, the way that its documentation has it: `adaptStateToTokens`
 * keeps what the sequence's cache shares with the prompt, and `evaluate` reads the rest and generates; the context
 * puts sequences that evaluate at the same time into one batch.
 */
export class PeerCompletions {
  readonly #model: PeerModel;
  readonly #sequences: FreeSequences;
  readonly #contextTokens: number;

  /** @param contextTokens of each sequence */
  constructor(model: PeerModel, sequences: FreeSequences, contextTokens: number) {
    this.#model = model;
    this.#sequences = sequences;
    this.#contextTokens = contextTokens;
  }

  /** Token ids of a prompt. Throws `RangeError` where prompt and output do not fit a sequence. */
  tokens({ prompt, maxTokens }: PeerRequest): number[] {
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const start = shouldPrependBosToken && bos !== null ? [bos] : [];
    const tokens = typeof prompt === "string" ? [...start, ...this.#model.tokenize(prompt)] : [...prompt];
    if (tokens.length === 0) throw new RangeError("prompt: expected a token or more");
    if (tokens.length + maxTokens > this.#contextTokens)
      throw new RangeError(
        `prompt: expected at most ${this.#contextTokens} tokens with max_tokens, received ${tokens.length + maxTokens}`,
      );
    return tokens;
  }

  /** The answer as it comes; whoever stops reading ends it. */
  async *answer(request: PeerRequest, tokens: readonly number[]): AsyncGenerator<PeerEvent, void> {
    const sequence = await this.#sequences.take(tokens);
    try {
      // The last token is always read: its row is what the first new one is drawn from.
      await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
      const cachedTokens = sequence.nextTokenIndex;
      const { maxTokens, temperature, ignoreEos, seed } = request;
      const generated: number[] = [];
      let finishReason: "stop" | "length" = "stop";
      for await (const token of sequence.evaluate(tokens.slice(cachedTokens), {
        temperature,
        topK: 0,
        topP: 1,
        yieldEogToken: ignoreEos,
        ...(seed !== undefined && { seed }),
      })) {
        yield { kind: "text", text: this.#model.detokenize([token], false, generated.slice(-8)) };
        generated.push(token);
        if (generated.length === maxTokens) {
          finishReason = "length";
          break;
        }
      }
      const counts = { promptTokens: tokens.length, outputTokens: generated.length, cachedTokens };
      yield { kind: "end", finishReason, ...counts };
    } finally {
      this.#sequences.give(sequence);
    }
  }
}
