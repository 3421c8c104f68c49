import type { EngineInfo, GenerateChunk } from "@kvasir/core";
import { Counter, Histogram, type Registry } from "prom-client";
import { choices, firstTokenSeconds, requestSeconds, tokenSeconds, tokensUpTo } from "./buckets.ts";

const finishReasons = ["stop", "length", "abort", "error"] as const;

/** What is observed of single requests. Times are of one monotonic clock, in seconds. */
export class RequestMetrics {
  readonly #firstToken: Histogram;
  readonly #betweenTokens: Histogram;
  readonly #perOutputToken: Histogram;
  readonly #endToEnd: Histogram;
  readonly #queue: Histogram;
  readonly #inference: Histogram;
  readonly #prefill: Histogram;
  readonly #decode: Histogram;
  readonly #prompt: Histogram;
  readonly #generated: Histogram;
  readonly #longest: Histogram;
  readonly #maxTokens: Histogram;
  readonly #choices: Histogram;
  readonly #success: Counter<"finished_reason">;
  readonly #aborted: Counter;
  readonly #failed: Counter<"code">;

  constructor(registry: Registry, info: EngineInfo) {
    const registers = [registry];
    const histogram = (name: string, help: string, buckets: readonly number[]) =>
      new Histogram({ name: `kvasir_${name}`, help, buckets: [...buckets], registers });
    const tokens = tokensUpTo(info.maxPositions);
    this.#firstToken = histogram(
      "time_to_first_token_seconds",
      "From a request's arrival, before its prompt is tokenised, to its first token",
      firstTokenSeconds,
    );
    this.#betweenTokens = histogram(
      "inter_token_latency_seconds",
      "Between two tokens of an answer",
      tokenSeconds,
    );
    this.#perOutputToken = histogram(
      "time_per_output_token_seconds",
      "The same under its older name",
      tokenSeconds,
    );
    this.#endToEnd = histogram(
      "e2e_request_latency_seconds",
      "From a request's arrival to its end",
      requestSeconds,
    );
    this.#queue = histogram("request_queue_time_seconds", "From submission to admission", requestSeconds);
    this.#inference = histogram(
      "request_inference_time_seconds",
      "From admission to the last token",
      requestSeconds,
    );
    this.#prefill = histogram(
      "request_prefill_time_seconds",
      "From admission to the first token",
      requestSeconds,
    );
    this.#decode = histogram(
      "request_decode_time_seconds",
      "From the first token to the last",
      requestSeconds,
    );
    this.#prompt = histogram("request_prompt_tokens", "Prompt tokens of a finished request", tokens);
    this.#generated = histogram(
      "request_generation_tokens",
      "Tokens generated for a finished request",
      tokens,
    );
    this.#longest = histogram(
      "request_max_num_generation_tokens",
      "Tokens of the longest choice of a finished request",
      tokens,
    );
    this.#maxTokens = histogram(
      "request_params_max_tokens",
      "The most tokens that a request asked for",
      tokens,
    );
    this.#choices = histogram("request_params_n", "Choices that a request asked for", choices);
    this.#success = new Counter({
      name: "kvasir_request_success_total",
      help: "Requests that ended, by why",
      labelNames: ["finished_reason"],
      registers,
    });
    for (const finished_reason of finishReasons) this.#success.inc({ finished_reason }, 0);
    this.#aborted = new Counter({
      name: "kvasir_requests_aborted_total",
      help: "Requests whose client left, or that a shutdown ended",
      registers,
    });
    this.#failed = new Counter({
      name: "kvasir_request_failures_total",
      help: "Requests that the engine refused or failed, by the error's code",
      labelNames: ["code"],
      registers,
    });
  }

  /** A request for so many answers. */
  began(choices: number): void {
    this.#choices.observe(choices);
  }

  /** An answer of so many tokens at most. */
  asked(maxTokens: number): void {
    this.#maxTokens.observe(maxTokens);
  }

  /** `seconds` since the request's arrival. */
  firstToken(seconds: number): void {
    this.#firstToken.observe(seconds);
  }

  /** `count` tokens that came together, `seconds` after the one before. */
  furtherTokens(count: number, seconds: number): void {
    for (let i = 0; i < count; i += 1) {
      this.#betweenTokens.observe(seconds / count);
      this.#perOutputToken.observe(seconds / count);
    }
  }

  /** The last piece, `seconds` after the request's arrival. */
  finished({ finishReason, usage, timings }: GenerateChunk, seconds: number): void {
    this.#endToEnd.observe(seconds);
    if (finishReason) this.#success.inc({ finished_reason: finishReason });
    if (usage) {
      this.#prompt.observe(usage.promptTokens);
      this.#generated.observe(usage.completionTokens);
      this.#longest.observe(usage.completionTokens);
    }
    if (timings) {
      this.#queue.observe(timings.queued / 1000);
      this.#prefill.observe(timings.prefill / 1000);
      this.#decode.observe(timings.decode / 1000);
      this.#inference.observe((timings.prefill + timings.decode) / 1000);
    }
  }

  aborted(): void {
    this.#aborted.inc();
    this.#success.inc({ finished_reason: "abort" });
  }

  failed(code: string): void {
    this.#failed.inc({ code });
    this.#success.inc({ finished_reason: "error" });
  }
}
