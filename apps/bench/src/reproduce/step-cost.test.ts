import { describe, expect, it } from "vitest";
import { identityMap, lckvMap } from "./layer-maps.ts";
import { reproduceShapes } from "./reproduce-shape.ts";
import {
  decodeCost,
  predictedThroughput,
  promptCost,
  sizedModel,
  stepSeconds,
  trafficToCompute,
  withTrafficToCompute,
} from "./step-cost.ts";

const shape = {
  name: "test",
  layers: 4,
  hidden: 8,
  intermediate: 10,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  vocab: 20,
};
const standard = sizedModel(shape, identityMap(4), 9);
const condensed = sizedModel(shape, lckvMap(4, 2), 9);
/** Of a layer with keys and values: q and o, the MLP, k and v. */
const [others, kv] = [2 * 8 * 8 + 3 * 8 * 10, 2 * 8 * 4];
const head = 20 * 8;

describe("costs", () => {
  it("count every matrix, and keys and values once for each layer that reads them", () => {
    const weights = 4 * (others + kv) + head;
    expect(decodeCost(standard, 3, 10)).toEqual({
      operations: 3 * (2 * weights + 4 * 4 * 8 * 10),
      weightBytes: 2 * weights,
      kvBytes: 3 * 10 * 4 * (2 * 4 * 2 + 8),
    });
    // Layer 1 attends to layer 2 and has no k and v.
    expect(decodeCost(condensed, 3, 10)).toEqual({
      operations: 3 * (2 * (weights - kv) + 4 * 4 * 8 * 10),
      weightBytes: 2 * (weights - kv),
      kvBytes: decodeCost(standard, 3, 10).kvBytes,
    });
  });

  it("run the layers of a cyclic group in every pass over a prompt", () => {
    const tokens = 100;
    const once = promptCost(standard, 1, tokens);
    expect(once.operations).toBe(2 * (4 * (others + kv) * tokens + head) + 4 * 4 * 8 * 50 * tokens);
    const read = 2 * (others + kv) + 9 * (others + others + kv);
    expect(promptCost(condensed, 1, tokens).weightBytes).toBe(2 * (read + head));
    expect(promptCost(standard, 3, tokens)).toMatchObject({
      operations: 3 * once.operations,
      weightBytes: once.weightBytes,
    });
    const short = 2 * (others + kv) + 5 * (others + others + kv);
    expect(promptCost(condensed, 1, 5).weightBytes).toBe(2 * (short + head));
  });
});

describe("the roofline", () => {
  it("takes operations or bytes, whichever take longer", () => {
    const cost = { operations: 10, weightBytes: 6, kvBytes: 4 };
    expect(stepSeconds(cost, { operations: 1, weightBytes: 1, kvBytes: 1 })).toBe(10);
    expect(stepSeconds(cost, { operations: 100, weightBytes: 1, kvBytes: 2 })).toBe(8);
  });

  it("finds the rate of a ratio again", () => {
    const rates = { operations: 1e12, weightBytes: 1e9, kvBytes: 1e9 };
    const at = withTrafficToCompute(standard, rates, 42);
    expect(trafficToCompute(standard, at)).toBeCloseTo(42, 9);
    expect(at).toMatchObject({ operations: 1e12, kvBytes: 1e9 });
  });

  it("makes throughput follow the batch where weights are streamed, and not where arithmetic is the bound", () => {
    const { "30b": large } = reproduceShapes;
    const [llama, lckv] = [identityMap(60), lckvMap(60, 2)].map((layerMap) => sizedModel(large, layerMap, 9));
    const generation = { prompt: 5, generated: 1000 };
    const ratio = (weightBytes: number) => {
      const rates = { operations: 71e12, weightBytes, kvBytes: 936e9 };
      const [wide, narrow] = [
        predictedThroughput(lckv!, 80, generation, rates),
        predictedThroughput(llama!, 4, generation, rates),
      ];
      return wide / narrow;
    };
    // 20 times the batch, and 57 of 60 layers without k and v projections.
    expect(ratio(1e9)).toBeGreaterThan(20);
    expect(ratio(1e9)).toBeLessThan(26);
    expect(ratio(1e15)).toBeLessThan(2);
  });
});
