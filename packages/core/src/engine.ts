import type { Tokenizer } from "@kvasir/tokenizer";
import { EngineError } from "./engine-error.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { EngineInfo, EngineStats } from "./engine-report.ts";
import type { GenerateRequest } from "./generate-request.ts";
import type { Completion, GenerateChunk } from "./generation.ts";

/** A loaded model that answers many requests at once. */
export class Engine implements AsyncDisposable {
  readonly info: EngineInfo;
  /** Undefined for a checkpoint without a tokenizer: ids in, ids out. */
  readonly tokenizer: Tokenizer | undefined;

  private constructor(info: EngineInfo, tokenizer: Tokenizer | undefined) {
    this.info = info;
    this.tokenizer = tokenizer;
  }

  /** Loads a checkpoint and takes the memory for its cache. Throws what the checkpoint's or the options' checks find. */
  static async load(_options: EngineOptions): Promise<Engine> {
    throw new EngineError("internal", "not built yet");
  }

  /**
   * Runs one request and yields its answer in pieces. Checks happen at the first `next()`; leaving the loop
   * early, or the signal, ends the request and gives its pages back within one step.
   */
  generate(_request: GenerateRequest): AsyncIterable<GenerateChunk> {
    throw new EngineError("internal", "not built yet");
  }

  /** The pieces of `generate`, folded into one answer. */
  async complete(_request: GenerateRequest): Promise<Completion> {
    throw new EngineError("internal", "not built yet");
  }

  stats(): EngineStats {
    throw new EngineError("internal", "not built yet");
  }

  /** Ends what runs, waits for the step under way and gives all memory back. Idempotent. */
  async dispose(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
