import type { EngineEvent } from "@kvasir/core";
import { Counter, Histogram, Registry } from "prom-client";
import type { EngineLike } from "../engine-like.ts";
import { stepTokens } from "./buckets.ts";
import { engineMetrics } from "./engine-metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { RequestMetrics } from "./request-metrics.ts";
import { vllmMetrics } from "./vllm-names.ts";

/** Why a request was turned away before the engine had it. */
export type RejectionReason = "requests" | "tokens" | "draining";

export type StoreOperation = "save" | "restore" | "erase" | "reset" | "save_cache" | "load_cache";

/** Everything that `/metrics` says, of one engine and its server. */
export class Metrics {
  readonly requests: RequestMetrics;
  readonly #registry = new Registry();
  readonly #process: Disposable;
  readonly #rejections: Counter<"reason">;
  readonly #store: Counter<"operation" | "outcome">;
  readonly #stepTokens: Histogram;
  readonly #stepSeconds: Histogram;

  constructor(engine: EngineLike) {
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ model_name: engine.info.model, engine: "0" });
    engineMetrics(this.#registry, engine);
    this.requests = new RequestMetrics(this.#registry, engine.info);
    this.#process = processMetrics(this.#registry);
    this.#rejections = new Counter({
      name: "kvasir_admission_rejections_total",
      help: "Requests turned away unread: too many wait, too many prompt tokens wait, or a shutdown has begun",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of ["requests", "tokens", "draining"] as const) this.#rejections.inc({ reason }, 0);
    this.#store = new Counter({
      name: "kvasir_session_operations_total",
      help: "Saved, restored and erased sessions and caches, by outcome: ok, or the error's code",
      labelNames: ["operation", "outcome"],
      registers,
    });
    this.#stepTokens = new Histogram({
      name: "kvasir_iteration_tokens_total",
      help: "Tokens of a step, of prompts and answers together",
      buckets: stepTokens,
      registers,
    });
    this.#stepSeconds = new Histogram({
      name: "kvasir_step_seconds",
      help: "Time of a step",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
  }

  /** The type that Prometheus expects of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus's text format; `vllm`: with vLLM's names besides. */
  async text(vllm: boolean): Promise<string> {
    const own = await this.#registry.metrics();
    return vllm ? `${own}\n${await vllmMetrics(this.#registry)}` : own;
  }

  /** Names and helps of all metrics. */
  async list(): Promise<readonly { readonly name: string; readonly help: string }[]> {
    return await this.#registry.getMetricsAsJSON();
  }

  rejected(reason: RejectionReason): void {
    this.#rejections.inc({ reason });
  }

  stored(operation: StoreOperation, outcome: string): void {
    this.#store.inc({ operation, outcome });
  }

  observe(event: EngineEvent): void {
    if (event.type !== "step") return;
    this.#stepTokens.observe(event.tokens);
    this.#stepSeconds.observe(event.milliseconds / 1000);
  }

  dispose(): void {
    this.#process[Symbol.dispose]();
  }
}
