import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLayerMap } from "./layer-map.ts";
import { LayerMapError } from "./layer-map-error.ts";

const parse = (text: string, options: { slidingWindow?: number; forceNodiag?: boolean } = {}) =>
  parseLayerMap(text, { layers: text.split("_").length, ...options });

/** Maps that hold: some layers are sources, every other layer takes one of them. */
const maps = fc
  .array(fc.record({ isSource: fc.boolean(), pick: fc.nat(), sliding: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((layers) => {
    const sources = layers.flatMap((layer, index) => (layer.isSource ? [index] : []));
    if (sources.length === 0) sources.push(0);
    const kvSource = layers.map(({ pick }, index) =>
      sources.includes(index) ? index : sources[pick % sources.length]!,
    );
    const sliding = layers.map((layer) => layer.sliding);
    return {
      kvSource,
      sliding,
      text: kvSource.map((source, i) => `${source}${sliding[i] ? "s" : ""}`).join("_"),
    };
  });

describe("parseLayerMap", () => {
  it("reads LCKV with two warm-up layers", () => {
    const map = parse("0_6_6_6_6_6_6_7");
    expect(map.kvSources).toEqual([0, 6, 7]);
    expect(map.layers.map((layer) => layer.kvLayer)).toEqual([0, 1, 1, 1, 1, 1, 1, 2]);
    expect(map.layers.map((layer) => layer.mask.strict)).toEqual([
      false,
      true,
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(map.groups).toEqual([{ first: 1, last: 6, kvLayers: [1] }]);
  });

  it("reads YOCO: windows below, one shared KV layer above, nothing to iterate", () => {
    const map = parse("0s_1s_2s_3_3_3", { slidingWindow: 16 });
    expect(map.layers.map((layer) => layer.mask.window)).toEqual([16, 16, 16, 0, 0, 0]);
    expect(map.layers.map((layer) => layer.kvLayer)).toEqual([0, 1, 2, 3, 3, 3]);
    expect(map.groups).toEqual([]);
  });

  it("iterates a sandwich-middle map only up to its source", () => {
    expect(parse("0_3_3_3_3_3_6").groups).toEqual([{ first: 1, last: 3, kvLayers: [1] }]);
  });

  it("keeps groups apart that touch and merges those that overlap", () => {
    expect(parse("1_1_3_3").groups).toEqual([
      { first: 0, last: 1, kvLayers: [0] },
      { first: 2, last: 3, kvLayers: [1] },
    ]);
    expect(parse("0_4_5_3_4_5").groups).toEqual([{ first: 1, last: 5, kvLayers: [2, 3] }]);
  });

  it("makes every layer strict with forceNodiag", () => {
    const map = parse("0_2_2", { forceNodiag: true });
    expect(map.layers.every((layer) => layer.mask.strict)).toBe(true);
    expect(map.groups).toEqual([{ first: 1, last: 2, kvLayers: [1] }]);
  });

  it("agrees with a definition layer by layer", () => {
    fc.assert(
      fc.property(maps, fc.boolean(), ({ kvSource, sliding, text }, forceNodiag) => {
        const map = parse(text, { slidingWindow: 5, forceNodiag });
        expect(map.kvSources).toEqual(kvSource.map((_, i) => i).filter((i) => kvSource[i] === i));
        // Two neighbours are in one group exactly when some layer below both of them reads above both.
        const joined = (i: number) => kvSource.some((source, reader) => reader <= i && source > i);
        for (const { index, ...layer } of map.layers) {
          expect(layer.kvSource).toBe(kvSource[index]);
          expect(map.kvSources[layer.kvLayer]).toBe(kvSource[index]);
          expect(layer.writesKv).toBe(kvSource[index] === index);
          const strict = forceNodiag || kvSource[index]! > index;
          expect(layer.mask).toEqual({ strict, window: sliding[index] ? 5 : 0 });
          const group = map.groups.find(({ first, last }) => first <= index && index <= last);
          expect(group !== undefined && group.last > index).toBe(joined(index));
          expect(group !== undefined && group.first < index).toBe(joined(index - 1));
          if (kvSource[index]! > index) expect(group!.kvLayers).toContain(layer.kvLayer);
        }
        for (const { first, last, kvLayers } of map.groups) {
          const cyclic = kvSource.flatMap((s, i) =>
            first <= i && i <= last && s > i ? [map.kvSources.indexOf(s)] : [],
          );
          expect(kvLayers).toEqual([...new Set(cyclic)].sort((a, b) => a - b));
        }
      }),
    );
  });

  it.each([
    ["0_1", { layers: 3 }, "2 entries, expected 3"],
    ["", { layers: 1 }, 'entry 0 is ""'],
    ["0_x", { layers: 2 }, 'entry 1 is "x"'],
    ["0_1S", { layers: 2 }, 'entry 1 is "1S"'],
    ["0_-1", { layers: 2 }, 'entry 1 is "-1"'],
    ["0_2", { layers: 2 }, "entry 1 names layer 2, expected 0 to 1"],
    ["0_99999999999999999999", { layers: 2 }, "entry 1 is"],
    ["1_0", { layers: 2 }, "entry 0 names layer 1, which takes its keys and values from layer 0"],
    ["0_1s", { layers: 2 }, "entry 1 is 1s, a sliding window, but the window is undefined"],
    ["0s", { layers: 1, slidingWindow: 0 }, "the window is 0"],
  ])("refuses %j", (text, options, message) => {
    expect(() => parseLayerMap(text, options)).toThrow(LayerMapError);
    expect(() => parseLayerMap(text, options)).toThrow(message);
  });

  it("never throws anything but its own error", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("0", "1", "2", "s", "_", " ") }), (text) => {
        try {
          parse(text, { slidingWindow: 2 });
        } catch (error) {
          expect(error).toBeInstanceOf(LayerMapError);
        }
      }),
    );
  });
});
