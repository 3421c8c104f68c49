import { openDevice } from "@kvasir/kernels";
import { afterAll, expect, test } from "vitest";
import { type ReproduceShape, reproduceShapes } from "../reproduce-shape.ts";
import { lckvStreaming } from "./lckv-streaming.ts";
import { partList, type StreamingSizes, streamingParts } from "./streaming-parts.ts";
import type { LatencyResult, LckvStreamingResult, StreamResult } from "./streaming-result.ts";

const device = openDevice({ onWarning: () => {} });
afterAll(() => device.dispose());

const shape: ReproduceShape = {
  ...reproduceShapes["15m"],
  hidden: 64,
  intermediate: 96,
  headDim: 16,
  vocab: 320,
};
const settings = { shape, device, seed: 1 };
const context = { settings, signal: new AbortController().signal, onProgress: () => {} };

const small: StreamingSizes = {
  caches: [[16, 32]],
  latency: { sinks: 4, tokens: 2, uncounted: 1, repetitions: 2 },
  stream: {
    tokens: 100,
    bucket: 16,
    caches: [
      { cache: 32, sinks: 4 },
      { cache: 32, sinks: 0 },
    ],
    full: 48,
  },
};

test("latency of every model and size, with a cache as small as its KV layers", async () => {
  const { rows } = await streamingParts(settings, small).latencies[0]!.measure(context);
  expect(rows.map(({ variant, cache }) => `${variant} ${cache}`)).toEqual(
    [16, 32].flatMap((cache) => ["standard", "w2", "w10"].map((variant) => `${variant} ${cache}`)),
  );
  const [standard, w2, w10] = rows;
  for (const { ms } of rows) expect(ms.every((time) => time > 0) && ms.length === 2).toBe(true);
  expect(w2!.kvBytes * 12).toBe(standard!.kvBytes * 3);
  expect(w10!.kvBytes * 12).toBe(standard!.kvBytes * 11);
  expect(w2!.weightBytes).toBeLessThan(w10!.weightBytes);
});

test("a stream is the full cache until the window is full", async () => {
  const { rows, full } = await streamingParts(settings, small).models[1]!.part.measure(context);
  expect(full.losses).toHaveLength(6);
  const [sinks, none] = rows;
  expect(sinks!.losses).toHaveLength(6);
  expect(sinks!.losses.slice(0, 2)).toEqual(full.losses.slice(0, 2));
  expect(none!.losses.slice(0, 2)).toEqual(full.losses.slice(0, 2));
  expect(sinks!.losses[4]).not.toBe(full.losses[4]);
  expect(none!.losses[4]).not.toBe(sinks!.losses[4]);
});

test("parts have keys of their own, and stop when they are told to", async () => {
  const parts = partList(streamingParts(settings));
  expect(new Set(parts.map(({ key }) => key)).size).toBe(parts.length);
  const signal = AbortSignal.abort(new Error("enough"));
  for (const part of parts) {
    await expect(part.measure({ ...context, signal })).rejects.toThrow("enough");
  }
});

const { models, latencies } = streamingParts(settings);
const section = (results: readonly (readonly [string, LckvStreamingResult])[]) =>
  lckvStreaming.section(new Map(results), settings);

const latency = (w10: readonly number[]): LatencyResult => ({
  kind: "latency",
  rows: [256, 4096].flatMap((cache, i) => [
    { variant: "standard", cache, ms: [10, 12], kvBytes: 2 ** 20, weightBytes: 2 ** 20 },
    { variant: "w10", cache, ms: [10 * w10[i]!, 12 * w10[i]!], kvBytes: 2 ** 19, weightBytes: 2 ** 20 },
  ]),
});

test("latency is told apart by repetitions in turns", () => {
  const found = (...w10: readonly number[]) => section([[latencies[0]!.key, latency(w10)]]).findings.join();
  expect(found(0.8, 0.9)).toMatch(/takes 0\.800 at 256 and 0\.900 at 4096 of the time.*faster at every size/);
  expect(found(1.1, 0.9)).toContain("faster in every repetition at 4096 alone");
  expect(found(1.1, 1)).toContain("not faster in every repetition at any size");
  expect(found(1, 1)).toMatch(/0\.500x the bytes.*cache and weights together 0\.750x/);
  const [, ratios] = section([[latencies[0]!.key, latency([0.8, 0.9])]]).blocks;
  expect(ratios).toMatchObject({ series: [{}, { points: [{ x: 256, y: 0.8 }, {}] }, { kind: "published" }] });
});

/** Of 40 buckets; from the fourth on behind the window. */
const losses = (more: (bucket: number) => number) =>
  Array.from({ length: 40 }, (_, i) => 3 + (i % 5) / 10 + (i >= 4 ? more(i) : 0));

const stream = (sinks: (bucket: number) => number, none: (bucket: number) => number): StreamResult => ({
  kind: "stream",
  bucket: 64,
  rows: [
    { cache: 256, sinks: 4, losses: losses(sinks) },
    { cache: 256, sinks: 0, losses: losses(none) },
  ],
  full: { tokens: 960, losses: losses(() => 0) },
});

test("streams are stable or not, and sinks matter or not", () => {
  const found = (result: StreamResult) => section([[models[0]!.part.key, result]]).findings.join();
  const noise = (i: number) => 0.05 + (i % 3) / 1000;
  expect(found(stream(noise, (i) => 3 + noise(i)))).toMatch(/1\.05.*stable.*the same kind of collapse/);
  expect(found(stream((i) => i / 100, noise))).toContain("falls further behind in the second half");
  expect(found(stream(noise, (i) => noise(i) + 0.1))).toContain("leans on its first tokens far less");
  expect(found(stream(noise, (i) => 2 * noise(i) - 0.052 - (i % 2) / 100))).toContain(
    "does not lean on its first tokens",
  );
});

test("both models beside each other, and what is not measured", () => {
  const found = (by: number) => {
    const noise = (i: number) => (i % 3) / 1000;
    const standard = stream(
      () => 0,
      () => 0,
    );
    return section([
      [models[0]!.part.key, standard],
      [
        models[1]!.part.key,
        stream(
          (i) => by + noise(i),
          () => 0,
        ),
      ],
    ]);
  };
  expect(found(-0.1).findings.join()).toContain("lower at every size, as there");
  expect(found(0.1).findings.join()).toContain("higher at some size, unlike there");
  expect(found(-0.001).findings.join()).toContain("not lower at every size");
  const { blocks, missing } = found(0);
  expect(blocks.map(({ kind }) => kind)).toEqual(["lines", "lines", "table"]);
  expect(missing.join()).toContain("latency of streams with caches of 512, 2048");
  expect(section([])).toMatchObject({ blocks: [], findings: [] });
});
