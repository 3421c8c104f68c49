import type { Registry } from "prom-client";

/** What vLLM exports under its own prefix, after the prefix; a counter's `_total` is part of its name. */
const names = [
  "num_requests_running",
  "num_requests_waiting",
  "kv_cache_usage_perc",
  "cache_config_info",
  "prefix_cache_queries_total",
  "prefix_cache_hits_total",
  "num_preemptions_total",
  "prompt_tokens_total",
  "generation_tokens_total",
  "request_success_total",
  "time_to_first_token_seconds",
  "time_per_output_token_seconds",
  "inter_token_latency_seconds",
  "e2e_request_latency_seconds",
  "request_queue_time_seconds",
  "request_inference_time_seconds",
  "request_prefill_time_seconds",
  "request_decode_time_seconds",
  "request_prompt_tokens",
  "request_generation_tokens",
  "request_max_num_generation_tokens",
  "request_params_max_tokens",
  "request_params_n",
  "iteration_tokens_total",
] as const;

/** The same metrics once more under vLLM's names, as text. */
export async function vllmMetrics(registry: Registry): Promise<string> {
  const parts: string[] = [];
  for (const name of names) {
    const text = await registry.getSingleMetricAsString(`kvasir_${name}`);
    parts.push(text.replaceAll(/^((?:# (?:HELP|TYPE) )?)kvasir_/gm, "$1vllm:"));
  }
  return `${parts.join("\n\n")}\n`;
}
