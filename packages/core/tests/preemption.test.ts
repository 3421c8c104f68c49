import os from "node:os";
import { PagePool } from "@kvasir/paged-memory";
import { describe, expect, test, vi } from "vitest";
import { Engine, type EngineEvent, type EngineOptions, type GenerateRequest } from "../src/index.ts";
import { checkpoint, recordedPrompt, tiny } from "./checkpoints.ts";
import { outcome } from "./outcome.ts";

const promptOf = (model: string, length: number, step: number): number[] => {
  const recorded = recordedPrompt(model);
  return Array.from({ length }, (_, i) => recorded[(i * step + step) % recorded.length]!);
};

const policies: readonly GenerateRequest["kvCache"][] = [
  {},
  { policy: "l2-norm", budget: 20, recent: 4 },
  { policy: "streaming-llm", budget: 24 },
  { policy: "h2o", budget: 24, recent: 4 },
  { policy: "snapkv>h2o", budget: 24, recent: 4 },
  { policy: "l2-norm", budget: 20, recent: 4, prefill: "chunk" },
  { policy: "merge+keydiff", budget: 24, recent: 4 },
  { policy: "random", budget: 24, recent: 4 },
];

describe.each<[string, Partial<EngineOptions> & { model: string }]>([
  ["tiny", { model: tiny }],
  ["llama-gqa", { model: checkpoint("llama-gqa") }],
  ["yoco", { model: checkpoint("yoco") }],
  ["lckv-w2", { model: checkpoint("lckv-w2"), chunkTokens: 24 }],
])("%s", (_, loaded) => {
  test.each([
    ["recompute", true],
    ["recompute", false],
    ["host", true],
    ["file", true],
    ["host", false],
  ] as const)(
    "whoever is preempted answers as alone, everybody gets on, and no page is lost (%s, prefix cache: %s)",
    { timeout: 120_000 },
    async (way, prefixCache) => {
      const spill = { directory: os.tmpdir(), bytes: "64MiB" };
      const places = { hostMemory: way === "host" ? "64MiB" : 0, ...(way === "file" && { spill }) };
      const requests = policies.flatMap((kvCache, i) =>
        [1, 2].map((turn) => ({
          prompt: promptOf(loaded.model, 20 + 11 * ((i + turn) % 5), i + 2 * turn),
          maxTokens: 40 + 10 * turn,
          temperature: i % 2,
          seed: i,
          ignoreEos: true,
          logprobs: 1,
          kvCache: kvCache!,
        })),
      );
      await using alone = await Engine.load({ ...loaded, kvCache: { memory: "16MiB" } });
      const expected = [];
      for (const request of requests) expected.push(outcome(await alone.complete(request)));
      const events: EngineEvent[] = [];
      await using engine = await Engine.load({
        ...loaded,
        prefixCache,
        integrity: "step",
        onWarning: (text) => expect.fail(text),
        onEvent: (event) => events.push(event),
        // Room for about a third of what they all want.
        kvCache: { memory: Math.floor((16 * 100 * alone.info.bytesPerToken) / 5), ...places },
      });
      const answers = await Promise.all(
        requests.map((request, i) => engine.complete({ ...request, id: `${i}` })),
      );
      for (const [i, answer] of answers.entries()) expect(outcome(answer)).toEqual(expected[i]);
      const preempted = events.filter(({ type }) => type === "preempted");
      expect(preempted.length).toBeGreaterThan(0);
      const { preemptions } = engine.stats();
      expect(preemptions.recompute + preemptions.host + preemptions.file).toBe(preempted.length);
      expect(preemptions[way]).toBeGreaterThan(0);
      if (way === "recompute") expect(preemptions[way]).toBe(preempted.length);
      for (const event of preempted)
        if (event.type === "preempted") expect(event.preemptions).toBeLessThan(8);
      expect(engine.stats()).toMatchObject({
        running: 0,
        waiting: 0,
        usedPages: 0,
        hostBytes: 0,
        spillBytes: 0,
      });
      engine.resetCache();
      expect(engine.stats().freePages).toBe(engine.info.pages);
    },
  );
});

test("the least urgent gives way first, and urgent requests are served first", async () => {
  const preempted: string[] = [];
  const admitted: string[] = [];
  await using engine = await Engine.load({
    model: tiny,
    integrity: "step",
    kvCache: { memory: 12 * 16 * 4352 },
    onEvent: (event) => {
      if (event.type === "preempted") preempted.push(event.id);
      if (event.type === "admitted") admitted.push(event.id);
    },
  });
  const ask = (id: string, priority: number) =>
    engine.complete({
      prompt: promptOf(tiny, 30, id.length),
      maxTokens: 60,
      temperature: 0,
      ignoreEos: true,
      id,
      priority,
    });
  await Promise.all([ask("later", 5), ask("urgent", -5), ask("normal", 0), ask("latest one", 50)]);
  expect(preempted).not.toContain("urgent");
  expect(preempted.length).toBeGreaterThan(0);
  expect(admitted.indexOf("urgent")).toBeLessThan(admitted.indexOf("latest one"));
});

test("a request that is late fails with its deadline, wherever it is, and its pages go back", async () => {
  await using engine = await Engine.load({
    model: tiny,
    integrity: "step",
    maxRunning: 1,
    kvCache: { memory: "4MiB" },
  });
  const long = { prompt: promptOf(tiny, 30, 1), maxTokens: 900, temperature: 0, ignoreEos: true };
  const running = engine.complete({ ...long, deadline: 60 });
  const waiting = engine.complete({ ...long, deadline: 30 });
  const other = engine.complete({ ...long, maxTokens: 5 });
  await expect(waiting).rejects.toMatchObject({ code: "deadline-exceeded", param: "deadline" });
  await expect(running).rejects.toMatchObject({ code: "deadline-exceeded" });
  expect((await other).ids).toHaveLength(5);
  expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
});

test("prompt tokens that wait are bounded, too", async () => {
  await using engine = await Engine.load({
    model: tiny,
    maxRunning: 1,
    maxWaitingTokens: 50,
    kvCache: { memory: "4MiB" },
  });
  const request = { prompt: promptOf(tiny, 30, 1), maxTokens: 4, temperature: 0 };
  const [first, second, third] = [0, 1, 2].map(() => engine.complete(request));
  await expect(third).rejects.toMatchObject({ code: "overloaded" });
  expect((await second!).ids.length).toBeGreaterThan(0);
  expect((await first!).ids.length).toBeGreaterThan(0);
});

test("wherever there is no page, the request that wanted it fails and the others go on", {
  timeout: 180_000,
}, async () => {
  const request = (step: number) => ({
    prompt: promptOf(tiny, 40, step),
    maxTokens: 8,
    temperature: 0,
    ignoreEos: true,
  });
  const kvCache = { memory: "4MiB", policy: "l2-norm", budget: 20, recent: 4 } as const;
  await using engine = await Engine.load({ model: tiny, kvCache });
  const expected: (readonly number[])[] = [];
  for (const step of [1, 2, 3]) expected.push((await engine.complete(request(step))).ids);
  const canAllocate = PagePool.prototype.canAllocate;
  let calls = 0;
  let failAt = Number.POSITIVE_INFINITY;
  const spy = vi.spyOn(PagePool.prototype, "canAllocate").mockImplementation(function (
    this: PagePool,
    count: number,
  ) {
    calls += 1;
    return calls !== failAt && canAllocate.call(this, count);
  });
  try {
    const ask = () => Promise.allSettled([1, 2, 3].map((step) => engine.complete(request(step))));
    await ask();
    const total = calls;
    let failed = 0;
    for (let at = 1; at <= total; at += 1) {
      calls = 0;
      failAt = at;
      for (const [i, answer] of (await ask()).entries()) {
        if (answer.status === "fulfilled") expect(answer.value.ids).toEqual(expected[i]);
        else failed += 1;
      }
      failAt = Number.POSITIVE_INFINITY;
      expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
      engine.checkIntegrity();
    }
    expect(failed).toBeGreaterThan(0);
    expect((await engine.complete(request(1))).ids).toEqual(expected[0]);
  } finally {
    spy.mockRestore();
  }
});
