import { GrammarError, type Grammars, type Matcher } from "@kvasir/grammar";
import { EngineError, internalError } from "./engine-error.ts";
import type { GenerateRequest } from "./generate-request.ts";

/** Something that a sequence waits for before its next token can be drawn; it never rejects. */
export type Awaited = { readonly settled: Promise<void>; readonly since: number };

/** What the format of one request lets its next token be. A thread computes it while the engine is at other things. */
export class FormatMask implements Disposable {
  readonly #matcher: Matcher;
  #allowed: Uint32Array | undefined;
  #awaited: Awaited | undefined;

  private constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  /** Throws `invalid-request` for a format that cannot be enforced, or the signal's reason. */
  static async compiled(
    { format, signal }: Pick<GenerateRequest, "format" | "signal">,
    grammars: Grammars,
  ): Promise<FormatMask | undefined> {
    if (format === undefined) return undefined;
    try {
      return new FormatMask(await grammars.compile(format, { signal }));
    } catch (error) {
      throw formatError(error);
    }
  }

  /** As `Sampling.allowed`. Only while nothing is awaited. */
  get allowed(): Uint32Array {
    if (!this.#allowed) throw new Error("the mask is not there yet");
    return this.#allowed;
  }

  get awaited(): Awaited | undefined {
    return this.#awaited;
  }

  /**
   * Asks for the mask of the next token.
   * @param then called when it is there, with whether the value is complete: then there is no next token
   * @param fail called instead where there is none
   */
  next(then: (isComplete: boolean) => void, fail: (error: unknown) => void): void {
    this.#allowed = undefined;
    const settled = this.#matcher.mask().then(
      (mask) => {
        this.#allowed = mask;
        this.#awaited = undefined;
        then(this.#matcher.done);
      },
      (error: unknown) => {
        this.#awaited = undefined;
        fail(formatError(error));
      },
    );
    this.#awaited = { settled, since: performance.now() };
  }

  accept(id: number): void {
    this.#matcher.accept(id);
  }

  [Symbol.dispose](): void {
    this.#matcher.dispose();
  }
}

function formatError(error: unknown): unknown {
  if (!(error instanceof GrammarError)) return error;
  const { code, path, message } = error;
  if (code === "disposed") return new EngineError("disposed", "the engine is disposed");
  if (code === "internal" || code === "rejected-token")
    return internalError(`the format failed: ${message}`, error);
  const where = path === undefined ? "format: " : "format.";
  return new EngineError("invalid-request", `${where}${message}`, "format", { cause: error });
}
