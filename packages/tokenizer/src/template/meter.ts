import { TemplateLimitError, TokenizerOptionError } from "../errors.ts";

/** How much a template may do. Each is a positive integer. */
export interface TemplateLimits {
  /**
   * Steps of evaluation: one for each node evaluated, for each item of a list handled, and for every 64 code units
   * of text made or searched; eight for each round of a loop and each call of a macro. Default 1,000,000, which is
   * about a second at worst.
   */
  steps: number;
  /** Nodes, calls and values nested in one another. Default 500. */
  depth: number;
  /** Code units of the output, and of any text made on the way. Default 2^24. */
  textLength: number;
  /** Code units of the template itself. Default 2^18. */
  sourceLength: number;
}

export const DEFAULT_TEMPLATE_LIMITS: Readonly<TemplateLimits> = {
  steps: 1_000_000,
  depth: 500,
  textLength: 2 ** 24,
  sourceLength: 2 ** 18,
};

/** The limits with defaults filled in. Throws TokenizerOptionError for one that is not a positive integer. */
export function templateLimits(given: Partial<TemplateLimits> = {}): TemplateLimits {
  for (const [name, value] of Object.entries(given)) {
    if (!(name in DEFAULT_TEMPLATE_LIMITS) || !Number.isSafeInteger(value) || value < 1) {
      throw new TokenizerOptionError(
        `limits.${name}: expected a positive integer, received ${String(value)}`,
      );
    }
  }
  return { ...DEFAULT_TEMPLATE_LIMITS, ...given };
}

const UNITS_PER_STEP = 64;

/** Counts what one rendering does, and throws TemplateLimitError once it is too much: before it is done. */
export class Meter {
  readonly limits: TemplateLimits;
  #steps = 0;
  #depth = 0;

  constructor(limits: TemplateLimits) {
    this.limits = limits;
  }

  /** Pays for `count` steps, or handling as many items. */
  step(count = 1): void {
    this.#steps += count;
    if (!(this.#steps <= this.limits.steps)) throw new TemplateLimitError("steps", this.limits.steps);
  }

  /** Pays for a new scope: a round of a loop, or a call of a macro. */
  scope(): void {
    this.step(8);
  }

  /** Pays for reading through a text. */
  read(text: string): void {
    this.step(Math.ceil(text.length / UNITS_PER_STEP));
  }

  /** Pays for looking for `needle` in a text; a long needle may be compared at every place. */
  search(text: string, needle: string): void {
    this.step(Math.ceil(text.length / UNITS_PER_STEP) * Math.ceil((needle.length + 1) / 16));
  }

  /** Pays for a new text of `length` code units. */
  text(length: number): void {
    if (!(length <= this.limits.textLength))
      throw new TemplateLimitError("textLength", this.limits.textLength);
    this.step(Math.ceil(length / UNITS_PER_STEP));
  }

  enter(): void {
    if (++this.#depth > this.limits.depth) throw new TemplateLimitError("depth", this.limits.depth);
  }

  leave(): void {
    this.#depth--;
  }
}
