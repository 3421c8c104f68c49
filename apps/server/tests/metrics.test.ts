import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
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

it("the prefix cache's counters are the sums of what clients were told of cached tokens", async () => {
  const before = await metrics();
  const prompt = "A prompt that comes twice, and that is longer than a page of the cache is. ".repeat(2);
  const ask = () => real.openai.completions.create({ model: "tiny", prompt, max_tokens: 2, temperature: 0 });
  const usages = [(await ask()).usage!, (await ask()).usage!];
  const cached = usages.map((usage) => usage.prompt_tokens_details!.cached_tokens!);
  expect(cached[1]).toBeGreaterThan(0);
  const after = await metrics();
  const grown = (name: string) => after.get(`kvasir_${name}`)! - before.get(`kvasir_${name}`)!;
  const prompts = usages[0]!.prompt_tokens + usages[1]!.prompt_tokens;
  expect(grown("prompt_tokens_total")).toBe(prompts);
  expect(grown("prefix_cache_hits_total")).toBe(cached[0]! + cached[1]!);
  expect(grown("prefix_cache_queries_total")).toBeGreaterThanOrEqual(prompts - usages.length);
  expect(grown("prefix_cache_queries_total")).toBeLessThanOrEqual(prompts);
  expect(grown("iteration_tokens_total_sum")).toBe(prompts - cached[0]! - cached[1]! + usages.length);
  expect(after.get("kvasir_kv_cache_usage_perc")).toBe(before.get("kvasir_kv_cache_usage_perc"));
  const bytes = (state: string) => after.get(`kvasir_kv_bytes{tier="device",state="${state}",format="f16"}`)!;
  expect(bytes("used") + bytes("cached") + bytes("free")).toBe(real.engine.info.kvBytes);
  expect(bytes("cached")).toBeGreaterThan(0);
});

it("preemptions are counted, each with a line that has no prompt in it, and all requests finish", async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) });
  const small = await RealServer.start({ kvCache: { memory: "2MiB" } }, { logger });
  const ask = (at: number) =>
    small.openai.completions.create({
      model: "tiny",
      prompt: `secret ${at} `.repeat(12),
      max_tokens: 250,
      temperature: 0,
      ...({ ignore_eos: true } as object),
    });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => ask(at)));
  for (const { usage } of answers) expect(usage?.completion_tokens).toBe(250);
  const values = samplesOf(await (await fetch(`${small.server.url}/metrics`)).text());
  const { preemptions } = small.engine.stats();
  const total = preemptions.recompute + preemptions.host + preemptions.file;
  expect(total).toBeGreaterThan(0);
  expect(values.get("kvasir_num_preemptions_total")).toBe(total);
  const preempted = lines.filter(({ msg }) => msg === "preempted");
  expect(preempted).toHaveLength(total);
  expect(lines.filter(({ msg }) => msg === "resumed")).toHaveLength(total);
  const ids = new Set(lines.filter(({ msg }) => msg === "answered").map(({ id }) => id));
  for (const { id } of preempted) expect(ids.has(id)).toBe(true);
  expect(JSON.stringify(lines)).not.toContain("secret");
  await small.stop();
});
