import type { EngineStats, PreemptionWay } from "@kvasir/core";
import { Counter, Gauge, type Registry } from "prom-client";
import type { EngineLike } from "../engine-like.ts";

const ways: readonly PreemptionWay[] = ["recompute", "host", "file"];

/** Registers what an engine counts by itself; it is read when somebody asks for the metrics. */
export function engineMetrics(registry: Registry, engine: EngineLike): void {
  const registers = [registry];
  const { info } = engine;
  const gauge = (name: string, help: string, value: (stats: EngineStats) => number) =>
    new Gauge({
      name: `kvasir_${name}`,
      help,
      registers,
      collect() {
        this.set(value(engine.stats()));
      },
    });
  const counter = (name: string, help: string, value: (stats: EngineStats) => number) =>
    new Counter({
      name: `kvasir_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value(engine.stats()));
      },
    });
  const counters = (
    name: string,
    help: string,
    label: string,
    values: (stats: EngineStats) => Readonly<Record<string, number>>,
  ) =>
    new Counter({
      name: `kvasir_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(values(engine.stats())))
          this.inc({ [label]: value }, count);
      },
    });

  gauge("num_requests_running", "Requests that run", ({ running }) => running);
  gauge("num_requests_waiting", "Requests that wait", ({ waiting }) => waiting);
  gauge(
    "num_requests_paused",
    "Requests that run but rest until their readers catch up",
    ({ paused }) => paused,
  );
  gauge("waiting_tokens", "Prompt tokens of requests that wait", ({ waitingTokens }) => waitingTokens);
  gauge(
    "kv_cache_usage_perc",
    "Share of the KV pages that requests hold, 0 to 1",
    ({ usedPages }) => usedPages / info.pages,
  );
  gauge("logical_tokens", "Tokens seen by the requests that run", ({ logicalTokens }) => logicalTokens);
  gauge(
    "resident_tokens",
    "Tokens that they have in the cache, mean over heads",
    ({ residentTokens }) => residentTokens,
  );
  gauge("signal_bytes", "Bytes of queries kept for eviction policies", ({ signalBytes }) => signalBytes);
  gauge("sessions", "Conversations that are remembered by name", ({ sessions }) => sessions);
  gauge("peak_kv_bytes", "Bytes of the KV pages in use at their highest", ({ peakKvBytes }) => peakKvBytes);

  counter(
    "prompt_tokens_total",
    "Prompt tokens processed, those from the prefix cache included",
    (stats) => stats.promptTokens + stats.prefixHitTokens,
  );
  counter(
    "prompt_tokens_cached_total",
    "Prompt tokens that came from the prefix cache",
    ({ prefixHitTokens }) => prefixHitTokens,
  );
  counter("generation_tokens_total", "Tokens generated", ({ generatedTokens }) => generatedTokens);
  counter(
    "scored_tokens_total",
    "Tokens of given continuations that were judged",
    ({ scoredTokens }) => scoredTokens,
  );
  counter(
    "prefix_cache_queries_total",
    "Prompt tokens looked up in the prefix cache",
    ({ prefixQueryTokens }) => prefixQueryTokens,
  );
  counter(
    "prefix_cache_hits_total",
    "Prompt tokens found in the prefix cache",
    ({ prefixHitTokens }) => prefixHitTokens,
  );
  counter("num_preemptions_total", "How often requests gave their pages to others", ({ preemptions }) =>
    ways.reduce((sum, way) => sum + preemptions[way], 0),
  );
  counters(
    "preemptions_by_way_total",
    "The same, by what became of the pages' contents",
    "way",
    ({ preemptions }) => preemptions,
  );
  counter(
    "recomputed_tokens_total",
    "Tokens computed again after preemptions",
    ({ recomputedTokens }) => recomputedTokens,
  );
  counter("steps_total", "Steps run", ({ steps }) => steps);
  counters(
    "evicted_tokens_total",
    "Tokens evicted, mean over heads, by policy",
    "policy",
    ({ evictedTokensByPolicy }) => evictedTokensByPolicy,
  );
  counter("evicted_slots_total", "Slots evicted over all heads", ({ evictedSlots }) => evictedSlots);
  counters(
    "freed_pages_total",
    "Pages that evictions gave back, by policy",
    "policy",
    ({ freedPagesByPolicy }) => freedPagesByPolicy,
  );

  tierBytes(registry, engine);
  infoMetrics(registry, engine);
}

/** Bytes of keys and values by where they are. */
function tierBytes(registry: Registry, engine: EngineLike): void {
  const { info } = engine;
  const pageBytes = info.kvBytes / info.pages;
  new Gauge({
    name: "kvasir_kv_bytes",
    help: "Bytes of keys and values by tier (device, host, file), state (used, cached, free) and format",
    labelNames: ["tier", "state", "format"],
    registers: [registry],
    collect() {
      const { freePages, usedPages, cachedPages, hostBytes, spillBytes } = engine.stats();
      const format = info.kvDtype;
      this.set({ tier: "device", state: "used", format }, usedPages * pageBytes);
      this.set({ tier: "device", state: "cached", format }, cachedPages * pageBytes);
      this.set({ tier: "device", state: "free", format }, freePages * pageBytes);
      this.set({ tier: "host", state: "used", format }, hostBytes);
      this.set({ tier: "file", state: "used", format }, spillBytes);
    },
  });
}

/** Always 1; the labels say what is loaded. */
function infoMetrics(registry: Registry, { info }: EngineLike): void {
  const constant = (name: string, help: string, labels: Readonly<Record<string, string>>) =>
    new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] }).set(labels, 1);
  constant("kvasir_cache_config_info", "How the cache is laid out", {
    block_size: String(info.pageTokens),
    num_gpu_blocks: String(info.pages),
    cache_dtype: info.kvDtype,
    kv_layers: String(info.kvLayers),
    kv_heads: String(info.kvHeads),
    head_dim: String(info.headDim),
    layer_map: info.layerMap.slice(0, 200),
    bytes_per_token: String(info.bytesPerToken),
    policy: info.policy,
  });
  constant("kvasir_kernel_info", "What computes: device with its instruction-set level, and formats", {
    device: info.device,
    backend: info.backend,
    weight_dtypes: info.weightDtypes.join(","),
    kv_dtype: info.kvDtype,
  });
}
