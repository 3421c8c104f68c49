import { EngineError } from "@kvasir/core";
import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, hello } from "../../tests/app-client.ts";
import { samplesOf } from "../../tests/exposition.ts";
import type { AppOptions } from "../app-options.ts";
import { EngineEvents } from "../engine-events.ts";
import { tokensUpTo } from "./buckets.ts";

async function metricsOf(client: AppClient): Promise<ReadonlyMap<string, number>> {
  return samplesOf(await (await client.get("/metrics")).text());
}

describe("the metrics of requests", () => {
  it("count a known workload as one does by hand", async () => {
    const client = new AppClient({ metricsCompat: "vllm" });
    // The fake engine's answer: five tokens, or as many as are asked for, to a prompt of seven.
    await (await client.post(completions, { prompt: "a", max_tokens: 2 })).text();
    await (await client.post(completions, { prompt: "a", max_tokens: 3, stream: true })).text();
    await (await client.post(chat, hello)).text();
    const metrics = await metricsOf(client);
    for (const prefix of ["kvasir_", "vllm:"]) {
      const value = (name: string) => metrics.get(`${prefix}${name}`);
      expect(value('request_success_total{finished_reason="length"}')).toBe(2);
      expect(value('request_success_total{finished_reason="stop"}')).toBe(1);
      expect(value('request_success_total{finished_reason="abort"}')).toBe(0);
      expect(value("time_to_first_token_seconds_count")).toBe(3);
      expect(value("inter_token_latency_seconds_count")).toBe(1 + 2 + 4);
      expect(value("time_per_output_token_seconds_count")).toBe(7);
      expect(value("e2e_request_latency_seconds_count")).toBe(3);
      expect(value("request_prompt_tokens_sum")).toBe(21);
      expect(value("request_generation_tokens_sum")).toBe(2 + 3 + 5);
      expect(value("request_params_max_tokens_sum")).toBe(5);
      expect(value("request_params_max_tokens_count")).toBe(2);
      expect(value("request_params_n_sum")).toBe(3);
      expect(value("request_queue_time_seconds_sum")).toBeCloseTo(3 * 0.4);
      expect(value("request_prefill_time_seconds_sum")).toBeCloseTo(3 * 0.6);
      expect(value("request_decode_time_seconds_sum")).toBeCloseTo(3 * 1.4);
      expect(value("request_inference_time_seconds_sum")).toBeCloseTo(3 * 2);
      expect(value('request_decode_time_seconds_bucket{le="1"}')).toBe(0);
      expect(value('request_decode_time_seconds_bucket{le="1.5"}')).toBe(3);
    }
  });

  it("tell requests that a client left from those that failed", async () => {
    const client = new AppClient();
    client.engine.hangAt = 2;
    const leaving = new AbortController();
    const left = client.post(completions, { prompt: "a" }, { signal: leaving.signal });
    while (client.engine.active === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    leaving.abort();
    await left.catch(() => {});
    client.engine.hangAt = undefined;
    client.engine.failure = new EngineError("out-of-pages", "too long");
    await client.post(completions, { prompt: "a" });
    const metrics = await metricsOf(client);
    expect(metrics.get("kvasir_requests_aborted_total")).toBe(1);
    expect(metrics.get('kvasir_request_success_total{finished_reason="abort"}')).toBe(1);
    expect(metrics.get('kvasir_request_failures_total{code="out-of-pages"}')).toBe(1);
    expect(metrics.get("kvasir_e2e_request_latency_seconds_count")).toBe(0);
  });
});

describe("the metrics of the engine", () => {
  it("are its own counts", async () => {
    const client = new AppClient({ metricsCompat: "vllm" });
    client.engine.busy = {
      running: 2,
      waiting: 3,
      waitingTokens: 40,
      freePages: 512,
      usedPages: 256,
      cachedPages: 256,
      promptTokens: 100,
      generatedTokens: 50,
      prefixQueryTokens: 130,
      prefixHitTokens: 30,
      preemptions: { recompute: 1, host: 2, file: 4 },
      hostBytes: 1000,
      spillBytes: 2000,
      evictedTokensByPolicy: { snapkv: 9 },
      freedPagesByPolicy: { snapkv: 2 },
    };
    const metrics = await metricsOf(client);
    for (const [name, value] of Object.entries({
      num_requests_running: 2,
      num_requests_waiting: 3,
      kv_cache_usage_perc: 0.25,
      prompt_tokens_total: 130,
      generation_tokens_total: 50,
      prefix_cache_queries_total: 130,
      prefix_cache_hits_total: 30,
      num_preemptions_total: 7,
    })) {
      expect([name, metrics.get(`kvasir_${name}`)]).toEqual([name, value]);
      expect([name, metrics.get(`vllm:${name}`)]).toEqual([name, value]);
    }
    const bytes = (tier: string, state: string) =>
      metrics.get(`kvasir_kv_bytes{tier="${tier}",state="${state}",format="f32"}`);
    expect(["used", "cached", "free"].map((state) => bytes("device", state))).toEqual([
      256 * 3072,
      256 * 3072,
      512 * 3072,
    ]);
    expect([bytes("host", "used"), bytes("file", "used")]).toEqual([1000, 2000]);
    expect(metrics.get('kvasir_evicted_tokens_total{policy="snapkv"}')).toBe(9);
    expect(metrics.get('kvasir_freed_pages_total{policy="snapkv"}')).toBe(2);
    expect(metrics.get('kvasir_preemptions_by_way_total{way="file"}')).toBe(4);
    client.engine.busy = {};
    expect((await metricsOf(client)).get("kvasir_kv_cache_usage_perc")).toBe(0);
  });

  it("hear of its steps", async () => {
    const events = new EngineEvents();
    const client = new AppClient({ events });
    for (const tokens of [1, 20]) {
      events.receive({ type: "step", milliseconds: 4, tokens, promptTokens: 0, running: 1 });
    }
    const metrics = await metricsOf(client);
    expect(metrics.get("kvasir_iteration_tokens_total_sum")).toBe(21);
    expect(metrics.get('kvasir_iteration_tokens_total_bucket{le="16"}')).toBe(1);
    expect(metrics.get("kvasir_step_seconds_count")).toBe(2);
    client.app.dispose();
    events.receive({ type: "step", milliseconds: 4, tokens: 1, promptTokens: 0, running: 1 });
    expect((await metricsOf(client)).get("kvasir_step_seconds_count")).toBe(2);
  });
});

describe("the exposition", () => {
  const text = async (options: AppOptions) => await (await new AppClient(options).get("/metrics")).text();

  it("has vLLM's names only where they are asked for, with help and type", async () => {
    expect(await text({})).not.toContain("vllm:");
    const both = await text({ metricsCompat: "vllm" });
    for (const line of [
      "# TYPE vllm:num_requests_running gauge",
      "# TYPE vllm:prompt_tokens_total counter",
      "# TYPE vllm:iteration_tokens_total histogram",
      "# TYPE vllm:cache_config_info gauge",
    ]) {
      expect(both).toContain(`${line}\n`);
    }
    expect(both).toMatch(/^vllm:num_requests_waiting\{model_name="fake",engine="0"\} 0$/m);
    expect(both).not.toMatch(/^vllm:\S*_total_total/m);
    expect(samplesOf(both).size).toBeGreaterThan(400);
  });

  it("is Prometheus's own type", async () => {
    const response = await new AppClient().get("/metrics");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it("has the event loop's delay", async () => {
    const client = new AppClient();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const metrics = await metricsOf(client);
    for (const statistic of ["p50", "p99", "max"]) {
      expect(metrics.get(`kvasir_event_loop_delay_seconds{statistic="${statistic}"}`)).toBeGreaterThanOrEqual(
        0,
      );
    }
  });
});

it("buckets of tokens are 1, 2 and 5 of each decade, up to the limit", () => {
  expect(tokensUpTo(512)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 500]);
  expect(tokensUpTo(1)).toEqual([1]);
});
