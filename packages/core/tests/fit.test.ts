import { modelPath } from "@kvasir/tiny-models";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Engine } from "../src/engine.ts";
import type { KvCacheOptions } from "../src/engine-options.ts";
import { fitReport } from "../src/fit.ts";

const memory = 2 ** 34;
const quiet = { onWarning: () => {} };

describe.each(["tiny", "tiny-lckv"] as const)("what a fit predicts for %s", (name) => {
  const model = modelPath(name);

  it.each<KvCacheOptions>([{}, { dtype: "f32", pageTokens: 32 }, { dtype: "bf16" }])(
    "is what the engine allocates with %j",
    async (kvCache) => {
      const report = await fitReport({ model, kvCache, memory, parallel: 3 });
      await using engine = await Engine.load({
        model,
        kvCache: { ...kvCache, memory: report.kvBytes },
        ...quiet,
      });
      const { info } = engine;
      expect(info.kvBytes).toBe(report.kvBytes);
      expect(info.fullRequests).toBe(3);
      expect(info.bytesPerToken).toBe(report.bytesPerToken);
      expect(info.weightBytes).toBe(report.weightBytes);
      expect([info.kvLayers, info.kvHeads, info.headDim, info.layerMap]).toEqual([
        report.kvLayers,
        report.kvHeads,
        report.headDim,
        report.layerMap,
      ]);
    },
  );

  it.each<KvCacheOptions>([{}, { policy: "streaming-llm", budget: 32 }])(
    "is what a request of that length takes at its highest, with %j",
    async (kvCache) => {
      const context = 160;
      const { kvBytes } = await fitReport({ model, kvCache, memory, context });
      await using engine = await Engine.load({ model, kvCache: { ...kvCache, memory: kvBytes }, ...quiet });
      const prompt = Array.from({ length: context - 1 }, (_, at) => 5 + (at % 7));
      await engine.complete({ prompt, maxTokens: 1, temperature: 0 });
      expect(engine.stats().peakKvBytes).toBe(kvBytes);
      await expect(engine.complete({ prompt: [...prompt, ...prompt], maxTokens: 1 })).rejects.toMatchObject({
        code: "out-of-pages",
      });
    },
  );
});

it("knows of layers that share their keys and values, of quantised weights, and of what a policy keeps", async () => {
  const full = await fitReport({ model: modelPath("tiny-lckv"), memory });
  expect(full.bytesPerToken).toBe(full.kvLayers * full.kvHeads * (2 * full.headDim * 2 + 8));
  expect(full.kvLayers).toBeLessThan(full.layerMap.split("_").length);
  const quantised = await fitReport({ model: modelPath("tiny-lckv"), memory, weights: "q4_0" });
  expect(quantised.weightBytes).toBeLessThan(full.weightBytes);
  const evicting = { policy: "streaming-llm", budget: 64, prefill: "chunk" } as const;
  const small = await fitReport({ model: modelPath("tiny-lckv"), memory, kvCache: evicting, stepTokens: 64 });
  expect(small.kvBytes).toBeLessThan(full.kvBytes);
});

it("what fits is monotone, and the largest is the last that fits", async () => {
  const model = modelPath("tiny");
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<KvCacheOptions>(
        {},
        { policy: "streaming-llm", budget: 40 },
        { policy: "snapkv", budget: 0.3 },
      ),
      fc.integer({ min: 10, max: 60 }),
      fc.integer({ min: 1, max: 1024 }),
      fc.integer({ min: 1, max: 12 }),
      async (kvCache, mebibytes, context, parallel) => {
        const ask = (change: { context?: number; parallel?: number }) =>
          fitReport({ model, kvCache, memory: mebibytes * 2 ** 20, context, parallel, ...change });
        const report = await ask({});
        expect(report.fits).toBe(context <= report.largestContext);
        expect(report.fits).toBe(parallel <= report.largestParallel);
        if (context > 1) {
          const shorter = await ask({ context: context - 1 });
          expect(shorter.kvBytes).toBeLessThanOrEqual(report.kvBytes);
          if (report.fits) expect(shorter.fits).toBe(true);
        }
        if (report.largestContext > 0)
          expect((await ask({ context: report.largestContext })).fits).toBe(true);
        if (report.largestContext < report.maxPositions) {
          expect((await ask({ context: report.largestContext + 1 })).fits).toBe(false);
        }
        if (report.largestParallel > 0) {
          expect((await ask({ parallel: report.largestParallel })).fits).toBe(true);
        }
      },
    ),
    { numRuns: 25 },
  );
});

it("names an option that is out of range, and a checkpoint that does not load", async () => {
  const model = modelPath("tiny");
  for (const [field, value] of [
    ["context", 0],
    ["context", 10 ** 9],
    ["parallel", 1.5],
    ["parallel", 5000],
  ] as const) {
    await expect(fitReport({ model, [field]: value })).rejects.toMatchObject({ param: field });
  }
  await expect(fitReport({ model, kvCache: { policy: "lru" } })).rejects.toMatchObject({
    param: "kvCache.policy",
  });
  await expect(fitReport({ model: "/no/where" })).rejects.toMatchObject({ code: "not-found" });
});
