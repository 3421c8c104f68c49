import { parseLayerMap } from "@kvasir/runtime";
import { describe, expect, it } from "vitest";
import { crossLayerMap, identityMap, layerPartitions, layerTargets, lckvMap } from "./layer-maps.ts";

describe("lckvMap", () => {
  it("has half of the warm-up layers below and half above", () => {
    expect(lckvMap(8, 2)).toBe("0_6_6_6_6_6_6_7");
    expect(lckvMap(22, 2)).toBe(`0_${new Array(20).fill(20).join("_")}_21`);
    expect(lckvMap(8, 4)).toBe("0_1_5_5_5_5_6_7");
    expect(lckvMap(4, 0)).toBe("3_3_3_3");
    expect(lckvMap(6, 3)).toBe("0_1_4_4_4_5");
  });

  it("names what is out of range", () => {
    expect(() => lckvMap(4, 4)).toThrow("warmup: expected a whole number from 0 to 3, received 4");
    expect(() => lckvMap(0, 0)).toThrow("layers: expected a whole number from 1");
  });
});

describe("crossLayerMap", () => {
  it.each([
    ["pizza", "bottom", "0_1_2_2_2_2"],
    ["pizza", "top", "0_1_5_5_5_5"],
    ["pizza", "middle", "0_1_3_3_3_3"],
    ["sandwich", "bottom", "0_1_1_1_1_5"],
    ["sandwich", "top", "0_4_4_4_4_5"],
    ["sandwich", "middle", "0_2_2_2_2_5"],
    ["lasagna", "bottom", "0_0_2_2_4_4"],
    ["lasagna", "middle", "0_0_2_2_4_4"],
    ["lasagna", "top", "0_2_2_5_5_5"],
  ] as const)("%s-%s of 6 layers, 3 with keys and values", (partition, target, map) => {
    expect(crossLayerMap({ layers: 6, kvLayers: 3, partition, target })).toBe(map);
  });

  it("is the published sandwich-middle of 22 layers", () => {
    const map = crossLayerMap({ layers: 22, kvLayers: 3, partition: "sandwich", target: "middle" });
    expect(map).toBe(`0_${new Array(20).fill(10).join("_")}_21`);
  });

  it("has as many KV layers as asked for and the first among them, whatever the sizes", () => {
    for (const partition of layerPartitions) {
      for (const target of layerTargets) {
        for (let layers = 2; layers <= 13; layers++) {
          for (let kvLayers = 2; kvLayers <= layers; kvLayers++) {
            const text = crossLayerMap({ layers, kvLayers, partition, target });
            const { kvSources } = parseLayerMap(text, { layers });
            expect(kvSources, text).toHaveLength(kvLayers);
            expect(kvSources[0], text).toBe(0);
          }
        }
      }
    }
  });

  it("is the standard map where every layer has its own", () => {
    for (const target of layerTargets) {
      expect(crossLayerMap({ layers: 5, kvLayers: 5, partition: "lasagna", target })).toBe(identityMap(5));
    }
  });
});
