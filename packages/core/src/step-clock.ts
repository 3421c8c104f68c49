/**
 * A step with a stream in it has room for so many prompt tokens at least, and for half of what decoding alone takes: a
 * prompt must get on, too, and where decoding takes longer than a step should, little is gained by holding it up.
 */
const leastPromptTokens = 4;
const leastOfDecoding = 0.5;

/** Steps are planned to end so much of the target early: a pause of the machine then seldom takes one to twice that. */
const margin = 0.15;

/** A step takes so many times its target at most, for a crowd of prompts. */
const mostCrowd = 6;

/** Kernels take rows in tiles of so many: a part of one costs nearly as much as the whole. */
const tileRows = 16;

/**
 * Learns what tokens cost and says how many of prompts a step has room for, so that no stream waits longer than a target.
 * The cost of a prompt token grows with its position, and differs with the machine's mood, so the newest steps count
 * most, and the room at most doubles from step to step.
 */
export class StepClock {
  readonly #target: number;
  readonly #most: number;
  /** Milliseconds of a step that only decodes, and of one prompt token. */
  #decode: number | undefined;
  #perPromptToken: number | undefined;
  #last = 4 * leastPromptTokens;

  /** @param target milliseconds of a step; @param most prompt tokens of a step */
  constructor(target: number, most: number) {
    this.#target = target;
    this.#most = most;
  }

  /**
   * Prompt tokens for the next step, where somebody decodes in it. Each prompt that waits lets the step take its target
   * once more, up to six times: a crowd would else wait for few, and steps with few rows cost most for each. A step
   * of some tiles of rows takes whole ones.
   * @param prompts those whose prompt is read or waits to be
   * @param decoding rows of the step that are not of prompts
   */
  promptTokens(prompts: number, decoding: number): number {
    if (this.#perPromptToken === undefined) return Math.min(this.#most, this.#last);
    const crowd = Math.max(1, Math.min(mostCrowd, prompts));
    const decode = this.#decode ?? 0;
    const left = Math.max((crowd - margin) * this.#target - decode, leastOfDecoding * decode);
    const fitting = Math.min(this.#most, 2 * this.#last, Math.floor(left / this.#perPromptToken));
    const whole = fitting - ((decoding + fitting) % tileRows);
    const least = Math.min(this.#most, leastPromptTokens);
    return Math.max(1, least, whole >= least ? whole : fitting);
  }

  /** Milliseconds of so many prompt tokens and so many steps that decode; undefined before they were measured. */
  time(promptTokens: number, steps: number): number | undefined {
    if (this.#perPromptToken === undefined || (steps > 0 && this.#decode === undefined)) return undefined;
    return promptTokens * this.#perPromptToken + steps * (this.#decode ?? 0);
  }

  /** Takes note of a step: its prompt tokens, how many sequences decoded, and how long it took. */
  ended(promptTokens: number, decoding: number, milliseconds: number): void {
    if (promptTokens === 0) {
      this.#decode = mixed(this.#decode, milliseconds);
      return;
    }
    const forPrompts = Math.max(0, milliseconds - (decoding > 0 ? (this.#decode ?? 0) : 0));
    this.#perPromptToken = mixed(this.#perPromptToken, Math.max(forPrompts / promptTokens, 1e-6));
    if (decoding > 0) this.#last = promptTokens;
  }
}

function mixed(before: number | undefined, now: number): number {
  return before === undefined ? now : 0.5 * before + 0.5 * now;
}
