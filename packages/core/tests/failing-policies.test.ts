import { definePolicy, type PolicyDefinition, type Signal } from "@kvasir/kv-policies";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Engine } from "../src/index.ts";
import { checkpoint, recordedPrompt } from "./checkpoints.ts";
import { WatchedEngine } from "./watched-engine.ts";

const model = checkpoint("llama-gqa");
const prompt = recordedPrompt(model);
const small = { budget: 24, sinks: 0, recent: 4, minTokens: 0, protectLayers: [] };
const normal = { prompt, maxTokens: 40, temperature: 0, ignoreEos: true } as const;

/** From the `at`-th call on, something else. */
function later<Arguments extends unknown[], Result>(
  at: number,
  first: (...args: Arguments) => Result,
  then: (...args: Arguments) => Result,
) {
  let calls = 0;
  return (...args: Arguments) => (calls++ < at ? first(...args) : then(...args));
}

const throws = (): never => {
  throw new Error("broken");
};
const byNorm = ({ keyNorm }: { keyNorm: Float32Array }) => keyNorm;
const signals = ["keyNorm"] as const satisfies Signal[];
let made = 0;
const define = (spec: Omit<Parameters<typeof definePolicy<"keyNorm">>[0], "name" | "signals">) =>
  definePolicy({ name: `broken-${made++}`, signals, ...spec });

/** 12 heads are cut at the prompt's end; the calls after those are made while decoding. */
const heads = 12;
const broken: [string, () => PolicyDefinition][] = [0, 5, heads, heads + 3].flatMap((at) => [
  [
    `scores that are no numbers, call ${at}`,
    () => define({ score: later(at, byNorm, ({ keyNorm }) => keyNorm.map(() => Number.NaN)) }),
  ],
  [
    `scores of another length, call ${at}`,
    () => define({ score: later(at, byNorm, () => new Float32Array(3)) }),
  ],
  [`a score that throws, call ${at}`, () => define({ score: later(at, byNorm, throws) })],
]);
broken.push(
  [
    "a slot that is not there",
    () =>
      define({
        select: ({ budget, resident }) =>
          Int32Array.from({ length: budget }, (_, i) => resident - budget + i + 1),
      }),
  ],
  [
    "more slots than its budget",
    () => define({ select: ({ resident }) => Int32Array.from({ length: resident }, (_, i) => i) }),
  ],
  ["no slots", () => define({ select: () => new Int32Array(0) })],
  [
    "a promise of scores",
    () => define({ score: (async () => new Float32Array(1)) as unknown as () => Float32Array }),
  ],
  [
    "shares that are no numbers",
    () =>
      define({
        score: byNorm,
        allocate: ({ layers, heads }) => new Float32Array(layers * heads).fill(Number.NaN),
      }),
  ],
  ["shares of another length", () => define({ score: byNorm, allocate: async () => new Float32Array(1) })],
  [
    "shares that are refused",
    () => define({ score: byNorm, allocate: () => Promise.reject(new Error("broken")) }),
  ],
  [
    "shares that throw after reading",
    () =>
      define({
        score: byNorm,
        allocate: async ({ signals }) => {
          await signals(1, 1);
          return throws();
        },
      }),
  ],
  [
    "a head that is not there",
    () => define({ score: byNorm, allocate: async ({ signals }) => (await signals(99, 0)).keyNorm }),
  ],
  [
    "a profile that is no number",
    () =>
      define({
        score: byNorm,
        profile: ({ layers, heads }) => new Float32Array(layers * heads).fill(Number.NaN),
      }),
  ],
);

describe("a policy's nonsense fails its own request and no other, and its memory comes back", () => {
  let engine: Engine;
  let alone: readonly number[];
  beforeAll(async () => {
    engine = await Engine.load({ model, integrity: "step", kvCache: { memory: "16MiB", dtype: "f32" } });
    alone = (await engine.complete(normal)).ids;
  });
  afterAll(() => engine.dispose());

  test.each(broken)("%s", async (_, policy) => {
    const [bad, good, evicting] = await Promise.allSettled([
      engine.complete({ ...normal, kvCache: { policy: policy(), ...small } }),
      engine.complete(normal),
      engine.complete({ ...normal, kvCache: { policy: "l2-norm", ...small } }),
    ]);
    expect(bad).toMatchObject({ reason: { code: "policy-failed", param: "kvCache.policy" } });
    expect(good).toMatchObject({ value: { ids: alone } });
    expect(evicting).toMatchObject({ status: "fulfilled" });
    expect(engine.stats()).toMatchObject({ running: 0, usedPages: 0, signalBytes: 0 });
  });

  test("other slots in one head of a layer than in another, where attention is the layer's", async () => {
    const policy = definePolicy({
      name: "split",
      signals: ["attentionLast"],
      attention: () => ({ over: "layer" }),
      score: ({ attentionLast, head }) => attentionLast.map((share) => (head === 0 ? share : -share)),
    });
    const bad = engine.complete({ ...normal, kvCache: { policy, ...small } });
    await expect(bad).rejects.toMatchObject({ code: "policy-failed", message: /head of layer 0/ });
    expect(engine.stats()).toMatchObject({ running: 0, usedPages: 0, signalBytes: 0 });
  });
});

test("where slots cannot be moved and the next step fails, too, the others still answer", async () => {
  await using engine = await WatchedEngine.load({ model, kvCache: { memory: "16MiB", dtype: "f32" } });
  const policy = "streaming-llm";
  const evicting = await engine.prepare({ ...normal, kvCache: { policy, budget: 24, recent: 4 } });
  const other = await engine.prepare(normal);
  const alone = await engine.run(await engine.prepare(normal), () => {});
  const { memory, model: loaded } = engine.parts;
  let compactions = 0;
  const compact = memory.compact.bind(memory);
  vi.spyOn(memory, "compact").mockImplementation((heads) => {
    compactions += 1;
    if (compactions !== 2) return compact(heads); // the first is the prompt's
    return new Promise<void>((_, reject) => {
      vi.spyOn(loaded, "run").mockImplementationOnce(async () => {
        reject(new Error("no move"));
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error("no step");
      });
    });
  });
  const [failed, ids] = await Promise.allSettled([
    engine.run(evicting, () => {}),
    engine.run(other, () => {}),
  ]);
  expect(failed).toMatchObject({ reason: { code: "internal", message: /no move/ } });
  expect(ids).toEqual({ status: "fulfilled", value: alone });
  expect(engine.parts.pool.usedPages).toBe(0);
});
