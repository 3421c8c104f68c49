import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Completion,
  Engine,
  type EngineOptions,
  type GenerateRequest,
  type PolicyChoice,
} from "../src/index.ts";
import { checkpoint, recordedPrompt, tiny, tinyLckv } from "./checkpoints.ts";
import { outcome } from "./outcome.ts";
import { policyCases } from "./policy-cases.ts";
import { type Cut, WatchedEngine } from "./watched-engine.ts";

const pageTokens = 16;
const promptLength = 70;
const maxTokens = 40;
const limits = { chunkTokens: 24, kvCache: { memory: "64MiB", dtype: "f32", pageTokens } } as const;

const models: readonly [string, EngineOptions][] = [
  ["tiny", { model: tiny, ...limits }],
  ["tiny-lckv", { model: tinyLckv, ...limits }],
  ["llama-gqa", { model: checkpoint("llama-gqa"), ...limits }],
  ["cla2", { model: checkpoint("cla2"), ...limits }],
  ["yoco", { model: checkpoint("yoco"), ...limits }],
];

/** The recorded prompt, gone through in steps of `step`. */
const prompt = (model: string, length: number, step = 1) => {
  const recorded = recordedPrompt(model);
  return Array.from({ length }, (_, i) => recorded[(i * step) % recorded.length]!);
};
const request = (model: string, kvCache: PolicyChoice): GenerateRequest => ({
  prompt: prompt(model, promptLength),
  maxTokens,
  temperature: 0,
  ignoreEos: true,
  kvCache,
});

/** The positions that a head must hold after these cuts, `seen` tokens in all. */
function positionsAfter(cuts: readonly Cut[], seen: number): number[] {
  let positions: number[] = [];
  let from = 0;
  const grow = (to: number) => {
    for (; from < to; from++) positions.push(from);
  };
  for (const { seen, kept } of cuts) {
    grow(seen);
    positions = Array.from(kept, (slot) => positions[slot]!);
  }
  grow(seen);
  return positions;
}

describe.each(models)("%s", (_, options) => {
  const { model } = options;
  let watched: WatchedEngine;
  let engine: Engine;
  beforeAll(async () => {
    watched = await WatchedEngine.load(options);
    engine = await Engine.load({ integrity: "step", ...options });
  });
  afterAll(async () => {
    await watched[Symbol.asyncDispose]();
    await engine.dispose();
  });

  test.each(policyCases)(
    "%s: what is evicted is gone, per head, within what was announced, a few heads a step",
    async (_, kvCache) => {
      const { model, memory, pool } = watched.parts;
      const { kvLayers, kvHeads } = model;
      const heads = Array.from({ length: kvLayers * kvHeads }, (_, index) => ({
        index,
        layer: Math.floor(index / kvHeads),
        head: index % kvHeads,
      }));
      const one = await watched.prepare(request(options.model, kvCache));
      const { sequence, selections, cuts } = one;
      const { policy } = sequence;
      let visited = 0;
      await watched.run(one, async () => {
        const { pages, logical, allocation } = sequence;
        if (!pages) return;
        const resident = heads.map(({ layer, head }) => pages.resident(layer, head));
        const used = resident.reduce((sum, slots) => sum + Math.ceil(slots / pageTokens), 0);
        expect(pool.usedPages).toBe(used);
        expect(used).toBeLessThanOrEqual(Math.max(sequence.bounds!.prefill, sequence.bounds!.decode));
        const isDecoding = logical > promptLength;
        for (const { index, layer } of heads) {
          const share = allocation && { share: allocation.shares[index]! };
          const size = {
            layer,
            prompt: promptLength,
            maxNew: maxTokens,
            chunk: limits.chunkTokens,
            ...share,
          };
          const { prefill, decode } = policy.maximumResident(size);
          const bound = isDecoding ? decode : Math.max(prefill, decode);
          expect(resident[index]).toBeLessThanOrEqual(bound);
        }
        visited += 1;
        if (visited % 6 !== 1) return;
        const expected = heads.map(({ layer, head }) => {
          const own = cuts.filter((cut) => cut.layer === layer && cut.head === head);
          return positionsAfter(own, logical);
        });
        const tables = heads.map(({ index, layer, head }) => ({
          pages: pages.pages(layer, head),
          slots: resident[index]!,
        }));
        const there = await memory.readSlots("position", tables);
        expect(there.map((positions) => Array.from(positions))).toEqual(expected);
      });
      expect(visited).toBeGreaterThan(maxTokens / 2);
      expect(pool.usedPages).toBe(0);

      const inStep = new Map<number, number>();
      const left = new Map<number, number>();
      const { allocation } = sequence;
      for (const { layer, head, phase, seen, resident, share, profile, kept } of selections) {
        const index = layer * kvHeads + head;
        expect(share).toBe(allocation?.shares[index] ?? 1);
        expect(profile).toBe(allocation?.profile[index] ?? 0);
        if (phase === "decode") {
          inStep.set(seen, (inStep.get(seen) ?? 0) + 1);
          const budget = policy.budget({ layer, seen, ...(share !== undefined && { share }) });
          const before = left.get(index);
          expect(resident > budget || before === undefined || resident >= before + pageTokens).toBe(true);
        }
        left.set(index, kept.length);
      }
      const { over } = policy.needs({ layer: 0, phase: "decode" }).attention;
      const share =
        over === "layer" ? Math.ceil(kvLayers / pageTokens) * kvHeads : Math.ceil(heads.length / pageTokens);
      expect(Math.max(0, ...inStep.values())).toBeLessThanOrEqual(share);
      if (policy.evicts) expect(cuts.length).toBeGreaterThan(0);
    },
  );

  test("with other policies beside it, every policy answers as it does alone", {
    timeout: 240_000,
  }, async () => {
    const requests = policyCases.map(([, kvCache], i) => ({
      ...request(model, kvCache),
      maxTokens: 24,
      prompt: prompt(model, 40 + ((i * 13) % 50), 1 + (i % 3)),
      logprobs: 0,
    }));
    const alone: Completion[] = [];
    for (const one of requests) alone.push(await engine.complete(one));
    await using other = await Engine.load({ integrity: "step", ...options, stepTokens: 40, maxRunning: 8 });
    expect((await Promise.all(requests.map((one) => other.complete(one)))).map(outcome)).toEqual(
      alone.map(outcome),
    );
    expect(other.stats().steps).toBeLessThan((requests.length * 24) / 3);
    expect(other.stats()).toMatchObject({ usedPages: 0, signalBytes: 0 });
    const evicting = alone.filter((_, i) => requests[i]!.kvCache!.policy !== "full");
    const full = await Promise.all(requests.map((one) => other.complete({ ...one, kvCache: {} })));
    const changed = alone.filter(({ logprobs }, i) => !isDeepStrictEqual(logprobs, full[i]!.logprobs));
    // One may find that everything matters.
    expect(changed.length).toBeGreaterThan(0.8 * evicting.length);
    expect(changed.length).toBeLessThanOrEqual(evicting.length);
  });
});

test("where a prompt is cut changes no bit of what a policy keeps", async () => {
  const model = checkpoint("llama-gqa");
  const answers = [];
  for (const chunkTokens of [512, 7, 1]) {
    await using engine = await Engine.load({ integrity: "step", model, ...limits, chunkTokens });
    const cases = policyCases.filter(([, { prefill }]) => prefill !== "chunk");
    const ask = ([, kvCache]: (typeof cases)[number]) =>
      engine.complete({ ...request(model, kvCache), logprobs: 0 }).then(outcome);
    answers.push(await Promise.all(cases.map(ask)));
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
});
