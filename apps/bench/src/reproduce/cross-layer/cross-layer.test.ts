import { type Device, openDevice } from "@kvasir/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReproduceSettings, TableBlock } from "../figure.ts";
import { reproduceShapes } from "../reproduce-shape.ts";
import { crossLayer, crossLayerOf } from "./cross-layer.ts";
import { crossLayerModels, standardKey } from "./cross-layer-maps.ts";
import type { CrossLayerPlan } from "./cross-layer-plan.ts";
import { mapThroughput } from "./map-measures.ts";
import type { MapResult } from "./measure-map.ts";

const plan: CrossLayerPlan = {
  standardSlots: 3 * 48,
  shares: [{ oneOver: 4, rank: 0 }],
  short: { prompt: 5, generated: 11 },
  prompted: { prompt: 24, generated: 24 },
  promptRepetitions: 1,
  samples: 2,
  repetitions: 1,
  equal: { batch: 2, context: 15 },
};
const figure = crossLayerOf(plan);

describe("layouts", () => {
  it("are measured once for each map", () => {
    const half = crossLayerModels(12, 6);
    expect(half).toHaveLength(8);
    expect(half.find(({ name }) => name === "lasagna-bottom")?.same).toEqual(["lasagna-middle"]);
    expect(crossLayerModels(12, 3)).toHaveLength(9);
    const keys = crossLayer.parts({ shape: reproduceShapes["125m"], device, seed: 1 }).map(({ key }) => key);
    expect(new Set(keys).size).toBe(17);
  });
});

describe("throughput of a map", () => {
  const steps = (ms: number) => [{ context: 5, ms: [ms] }];
  const result: MapResult = {
    model: "pizza-top-3",
    prompts: { 5: { [standardKey]: [1], "pizza-top-3": [10] } },
    equal: {},
    generations: [
      {
        generation: { prompt: 5, generated: 11 },
        batches: { [standardKey]: 2, "pizza-top-3": 8 },
        steps: { [standardKey]: steps(10), "pizza-top-3": steps(20) },
      },
    ],
  };

  it("is at each one's own batch, with the prompts of all sequences", () => {
    const { rate, ratio, batches } = mapThroughput(result, plan.short)!;
    expect(batches).toEqual({ standard: 2, map: 8 });
    expect(rate.median).toBeCloseTo(88 / 0.28, 9);
    expect(ratio.median).toBeCloseTo(88 / 0.28 / (22 / 0.102), 9);
    expect(mapThroughput(result, plan.prompted)).toBeUndefined();
  });
});

let device: Device;
let settings: ReproduceSettings;
const results = new Map<string, MapResult>();

beforeAll(async () => {
  device = openDevice({ onWarning: () => {} });
  settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const signal = new AbortController().signal;
  // One without passes and one with.
  for (const part of figure.parts(settings).filter(({ label }) => /pizza-(bottom|top)/.test(label)))
    results.set(part.key, await part.measure({ settings, signal, onProgress: () => {} }));
}, 300_000);
afterAll(() => device.dispose());

describe("cross-layer", () => {
  it("sets every map that was measured beside the standard model", () => {
    const section = figure.section(results, settings);
    const { rows } = section.blocks.find((block): block is TableBlock => block.kind === "table")!;
    expect(rows).toHaveLength(10);
    const row = (name: string) => rows.find(([first]) => first === name)!;
    expect(row("standard")[2]).toBe("12,672");
    expect(row("pizza-bottom").slice(1, 3)).toEqual(["0_1_2_2_2_2_2_2_2_2_2_2", "3,168"]);
    expect(row("pizza-top").slice(1, 3)).toEqual(["0_1_11_11_11_11_11_11_11_11_11_11", "3,168"]);
    expect(row("pizza-bottom")[5]).toBe("36 for 9");
    expect(row("sandwich-middle")[5]).toBeUndefined();
    expect(section.findings).toHaveLength(3);
    expect(section.blocks.filter(({ kind }) => kind === "lines")).toHaveLength(2);
    expect(section.missing.filter((line) => line.startsWith("Not measured"))).toHaveLength(7);
    expect(JSON.stringify(section)).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("makes a section of no results", () => {
    const section = figure.section(new Map(), settings);
    expect(section.findings).toEqual([]);
    expect(section.missing.filter((line) => line.startsWith("Not measured"))).toHaveLength(9);
  });

  it("stops when it is told to", async () => {
    const [part] = figure.parts(settings);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(part!.measure({ settings, signal, onProgress: () => {} })).rejects.toThrow("enough");
  });

  it("says where the memory is too small", () => {
    const huge = { ...settings, shape: { ...reproduceShapes["30b"], layers: 6000 } };
    expect(crossLayer.parts(huge)).toEqual([]);
    expect(crossLayer.section(new Map(), huge).missing[0]).toContain("this machine has");
  });
});
