import type { PageCensus } from "@kvasir/paged-memory";
import type { Tokenizer } from "@kvasir/tokenizer";
import { checkEmbed } from "./checked-embed.ts";
import { checkRequest } from "./checked-request.ts";
import { checkScore } from "./checked-score.ts";
import type { Embedding, EmbedRequest } from "./embed-request.ts";
import { EngineError } from "./engine-error.ts";
import { EngineLoop } from "./engine-loop.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { EngineInfo, EngineStats } from "./engine-report.ts";
import { engineStats } from "./engine-stats.ts";
import type { GenerateRequest } from "./generate-request.ts";
import type { Completion, GenerateChunk, TokenLogprob } from "./generation.ts";
import { type LoadedEngine, loadEngine } from "./load-engine.ts";
import { prepareEmbed, prepareScore, prepareSequence } from "./prepare-sequence.ts";
import { promptIds } from "./prompt-ids.ts";
import type { ScoredToken, ScoreRequest } from "./score-request.ts";
import type { Sequence } from "./sequence.ts";
import type {
  FileOptions,
  RestoredSession,
  SavedCache,
  SavedSession,
  SessionName,
  SessionTarget,
} from "./session/session-target.ts";
import { SessionRequests } from "./session-requests.ts";

/** A loaded model that answers many requests at once. */
export class Engine implements AsyncDisposable {
  readonly #loaded: LoadedEngine;
  readonly #loop: EngineLoop;
  readonly #sessions: SessionRequests;
  #disposing: Promise<void> | undefined;

  private constructor(loaded: LoadedEngine) {
    this.#loaded = loaded;
    this.#loop = new EngineLoop(loaded, loaded.limits);
    this.#sessions = new SessionRequests(loaded, this.#loop.sessions);
  }

  /** Loads a checkpoint and takes the memory for its cache. Throws what the checkpoint's or the options' checks find. */
  static async load(options: EngineOptions): Promise<Engine> {
    return new Engine(await loadEngine(options));
  }

  get info(): EngineInfo {
    return this.#loaded.info;
  }

  /** Undefined for a checkpoint without a tokenizer: ids in, ids out. */
  get tokenizer(): Tokenizer | undefined {
    return this.#loaded.tokenizer;
  }

  /**
   * Runs one request and yields its answer in pieces. Checks happen at the first `next()`; leaving the loop
   * early, or the signal, ends the request and gives its pages back within one step.
   */
  async *generate(request: GenerateRequest): AsyncGenerator<GenerateChunk, void, undefined> {
    if (this.#disposing) throw new EngineError("disposed", "the engine is disposed");
    const checked = checkRequest(request, this.info.vocabSize);
    const { signal } = request;
    signal?.throwIfAborted();
    using sequence = await prepareSequence(request, checked, this.#loaded);
    yield* this.#read(sequence, sequence.queue, signal, checked.deadline);
  }

  /**
   * Judges a given continuation, and yields its tokens one by one. As `generate` otherwise, and in the same
   * steps as what else runs.
   */
  async *score(request: ScoreRequest): AsyncGenerator<ScoredToken, void, undefined> {
    if (this.#disposing) throw new EngineError("disposed", "the engine is disposed");
    const continuation = checkScore(request, this.info.vocabSize);
    const { signal } = request;
    signal?.throwIfAborted();
    const sequence = await prepareScore(request, continuation, this.#loaded);
    yield* this.#read(sequence, sequence.queue, signal);
  }

  /** The vector of a text: rows of the model's last norm, pooled. In the same batch as what else runs. */
  async embed(request: EmbedRequest): Promise<Embedding> {
    if (this.#disposing) throw new EngineError("disposed", "the engine is disposed");
    const checked = checkEmbed(request, this.info.vocabSize);
    const sequence = await prepareEmbed(request, checked, this.#loaded);
    const { promptLength: promptTokens } = sequence;
    for await (const vector of this.#read(sequence, sequence.queue, request.signal, checked.deadline))
      return { vector, promptTokens };
    throw new EngineError("disposed", "the engine is disposed");
  }

  async *#read<T>(
    sequence: Sequence,
    queue: AsyncIterable<T>,
    signal: AbortSignal | undefined,
    deadline?: number,
  ): AsyncGenerator<T, void, undefined> {
    signal?.throwIfAborted();
    const leave = () => {
      sequence.leave(signal?.reason);
      this.#loop.readerLeft();
    };
    const timer =
      deadline === undefined ? undefined : setTimeout(late, deadline, sequence, this.#loop, deadline);
    try {
      this.#loop.submit(sequence);
    } catch (error) {
      clearTimeout(timer);
      throw error;
    }
    signal?.addEventListener("abort", leave, { once: true });
    try {
      yield* queue;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
      sequence.leave();
      this.#loop.readerLeft();
    }
  }

  /** The pieces of `generate`, folded into one answer. */
  async complete(request: GenerateRequest): Promise<Completion> {
    let text = "";
    const ids: number[] = [];
    const logprobs: TokenLogprob[] = [];
    let last: GenerateChunk | undefined;
    for await (const chunk of this.generate(request)) {
      text += chunk.text;
      ids.push(...chunk.ids);
      logprobs.push(...(chunk.logprobs ?? []));
      last = chunk;
    }
    if (!last?.finishReason || !last.usage) throw new EngineError("disposed", "the engine is disposed");
    return {
      text,
      ids,
      ...(request.logprobs !== undefined && { logprobs }),
      finishReason: last.finishReason,
      usage: last.usage,
    };
  }

  stats(): EngineStats {
    return engineStats(this.#loaded, this.#loop);
  }

  /**
   * The ids that `generate` would run a prompt or conversation as. Throws `invalid-request`.
   */
  async encode(
    request: Pick<GenerateRequest, "prompt" | "messages" | "tools" | "templateVariables">,
  ): Promise<Int32Array> {
    if (this.#disposing) throw new EngineError("disposed", "the engine is disposed");
    const checked = checkRequest(request, this.info.vocabSize);
    return promptIds(request, { tokenizer: this.tokenizer, vocabSize: this.info.vocabSize, ...checked });
  }

  /**
   * Saves what the cache holds of a conversation, in whole pages. The file is the old one or the new one, never
   * anything between. Throws `invalid-request`, `session-refused` (`not-found`: there is no such session, or nothing of
   * it is cached any more), `overloaded` when running requests need the pages, or the signal's reason.
   */
  save(target: SessionTarget): Promise<SavedSession> {
    return this.#sessions.save(target);
  }

  /**
   * Puts a saved conversation into the prefix cache and under the given name. The whole file is verified first; where it
   * throws, nothing has changed. Throws `session-refused` with the reason, `out-of-pages`, and as `save` does.
   */
  restore(target: SessionTarget): Promise<RestoredSession> {
    return this.#sessions.restore(target);
  }

  /** Forgets a conversation's name; returns the tokens that it had. Its prefix is cached as any other from then on. */
  erase(name: SessionName): number {
    return this.#sessions.erase(name);
  }

  /** Saves all cached prefixes of all tenants, as `save` does one. */
  saveCache(path: string, options: FileOptions = {}): Promise<SavedCache> {
    return this.#sessions.saveCache(path, options);
  }

  /** Puts all prefixes of a file back, as `restore` does one; whoever asks must be trusted by all tenants. */
  loadCache(path: string, options: FileOptions = {}): Promise<SavedCache> {
    return this.#sessions.loadCache(path, options);
  }

  /** Drops cached prefixes that no running request uses, and forgets sessions; returns how many tokens they held. */
  resetCache(): number {
    return this.#loop.resetCache();
  }

  /** Counts all pages: free, held by requests, held by the prefix cache alone. Throws where the count is wrong. */
  checkIntegrity(): PageCensus {
    return this.#loop.checkIntegrity();
  }

  /** Ends what runs, waits for the step under way and gives all memory back. Idempotent. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#loop
      .close()
      .then(() => this.#loaded.grammars.dispose())
      .finally(() => this.#loaded.dispose());
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function late(sequence: Sequence, loop: EngineLoop, deadline: number): void {
  const message = `the request was not done within its deadline of ${deadline} ms`;
  sequence.leave(new EngineError("deadline-exceeded", message, "deadline"));
  loop.readerLeft();
}
