import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { samplesOf } from "./exposition.ts";
import { RealServer } from "./real-server.ts";

let real: RealServer;
beforeAll(async () => {
  real = await RealServer.start({}, { metricsCompat: "vllm" });
});
afterAll(async () => await real.stop());

const metrics = async () => samplesOf(await (await fetch(`${real.server.url}/metrics`)).text());

it("the engine's counters are the sums of what clients were told, and usage goes back to where it was", async () => {
  const before = await metrics();
  const ask = (prompt: string, max_tokens: number) =>
    real.openai.completions.create({ model: "tiny", prompt, max_tokens, temperature: 0 });
  const answers = await Promise.all([ask("Once upon", 4), ask("The sea was dark", 9), ask("A", 1)]);
  while (real.engine.stats().running > 0) await delay(1);
  const after = await metrics();
  const sum = (field: "prompt_tokens" | "completion_tokens") =>
    answers.reduce((total, { usage }) => total + usage![field], 0);
  for (const prefix of ["kvasir_", "vllm:"]) {
    const grown = (name: string) => after.get(prefix + name)! - before.get(prefix + name)!;
    expect(grown("prompt_tokens_total")).toBe(sum("prompt_tokens"));
    expect(grown("generation_tokens_total")).toBe(sum("completion_tokens"));
    expect(grown("request_generation_tokens_sum")).toBe(sum("completion_tokens"));
    expect(grown("inter_token_latency_seconds_count")).toBe(sum("completion_tokens") - answers.length);
    expect(grown("time_to_first_token_seconds_count")).toBe(answers.length);
    expect(after.get(`${prefix}kv_cache_usage_perc`)).toBe(before.get(`${prefix}kv_cache_usage_perc`));
    expect(after.get(`${prefix}num_requests_running`)).toBe(0);
  }
});
