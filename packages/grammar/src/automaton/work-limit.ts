import { GrammarError } from "../grammar-error.ts";
import { limits } from "../limits.ts";

/** What is left of the time and the states that compiling one schema may take. */
export class WorkLimit {
  readonly #until: number;
  #states = 0;
  #checks = 0;

  /** @param milliseconds From now on. */
  constructor(milliseconds: number) {
    this.#until = performance.now() + milliseconds;
  }

  /** Called for each state of an automaton. Throws `GrammarError`. */
  state(path: string): void {
    if (++this.#states > limits.schemaStates) {
      const expected = `expected at most ${limits.schemaStates} states in all automatons`;
      throw new GrammarError("too-large", expected, path);
    }
    this.check();
  }

  /** Called now and then. Throws `GrammarError` once time is over. */
  check(): void {
    if (this.#checks++ % 256 === 0 && performance.now() > this.#until) {
      throw new GrammarError("timeout", "compiling took too long");
    }
  }
}
