import type { Sampling, StepResult } from "@kvasir/runtime";
import type { Tokenizer } from "@kvasir/tokenizer";
import { forcedSampling } from "./forced-sampling.ts";
import type { TokenLogprob } from "./generation.ts";
import { tokenLogprob } from "./token-logprob.ts";

/** What the model thinks of a prompt's own tokens, which come in chunks, and again where the prompt is computed again. */
export class PromptLogprobs {
  /** All but the first token, which nothing predicts. */
  readonly logprobs: TokenLogprob[] = [];
  readonly #prompt: Int32Array;
  readonly #top: number;
  readonly #tokenizer: Tokenizer | undefined;

  /** @param top alternatives to report */
  constructor(prompt: Int32Array, top: number, tokenizer: Tokenizer | undefined) {
    this.#prompt = prompt;
    this.#top = top;
    this.#tokenizer = tokenizer;
  }

  /** Draws the token behind `position`. */
  sampling(position: number): Sampling {
    return {
      ...forcedSampling(this.#prompt.subarray(position + 1, position + 2), 0),
      topLogprobs: this.#top,
    };
  }

  accept(result: StepResult, output: number, position: number): void {
    const id = this.#prompt[position + 1]!;
    // Where its logit is no number, another was drawn, and it has no probability.
    const logprob = result.tokens[output] === id ? result.logprobs[output]! : Number.NEGATIVE_INFINITY;
    this.logprobs[position] = tokenLogprob(this.#tokenizer, id, logprob, result.top[output]!);
  }
}
