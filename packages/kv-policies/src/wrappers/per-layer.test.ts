import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyDefinition } from "../definition.ts";
import { full } from "../policies/full.ts";
import { l2Norm } from "../policies/l2-norm.ts";
import {
  environment,
  free,
  layerAttention,
  pyramid,
  recentAttention,
  summedAttention,
} from "../sample-policies.ts";
import { adaptive } from "./adaptive.ts";
import { perLayer } from "./per-layer.ts";

const create = (definition: PolicyDefinition, options = {}) => createPolicy(definition, options, environment);
const mixed = perLayer((layer, layers) =>
  layer === 0 ? full : layer < layers - 1 ? summedAttention : recentAttention,
);

describe("perLayer", () => {
  it("asks each layer's own policy", () => {
    const policy = create(mixed, { ...free, budget: 8, decode: true });
    expect(policy.name).toBe("per-layer(full x1, summed-attention x2, recent-attention x1)");
    const needs = [0, 1, 2, 3].map((layer) => policy.needs({ layer, phase: "prefill" }).signals);
    expect(needs).toEqual([[], ["attentionSum"], ["attentionSum"], ["attentionRecent"]]);
    expect([policy.window, policy.collects?.reduce]).toEqual([16, "max"]);
    expect([0, 1, 2, 3].map((layer) => policy.budget({ layer, seen: 50 }))).toEqual([50, 8, 8, 8]);
    const query = { head: 0, seen: 10, resident: 10, phase: "prefill" } as const;
    const attentionRecent = Float32Array.from({ length: 10 }, (_, slot) => -slot);
    expect([...policy.select({ ...query, layer: 3, signals: { attentionRecent } })]).toEqual([
      0, 1, 2, 3, 4, 5, 6, 9,
    ]);
    expect(policy.select({ ...query, layer: 0, signals: {} })).toHaveLength(10);
  });

  it("protects the layers that their own policy protects, unless told", () => {
    const lower = perLayer((layer) => (layer % 2 === 0 ? l2Norm : recentAttention));
    expect(create(lower).options).toMatchObject({
      budget: 0.5,
      protectLayers: [0],
      recent: 64,
      decode: true,
    });
    expect(create(lower, { protectLayers: [] }).options.protectLayers).toEqual([]);
    expect(create(perLayer(() => recentAttention)).options.decode).toBe(false);
  });

  it("lets the heads of some layers go together and of others alone", () => {
    const policy = create(
      perLayer((layer) => (layer < 2 ? layerAttention : l2Norm)),
      { ...free, budget: 20 },
    );
    const due = (layer: number, seen: number) =>
      [0, 1].filter((head) => policy.overBudget({ layer, head, seen, resident: 30, phase: "decode" }));
    expect([due(0, 32), due(1, 32), due(1, 35)]).toEqual([[0, 1], [], [0, 1]]);
    expect([due(2, 32), due(2, 35), due(3, 33)]).toEqual([[0], [1], [1]]);
  });

  it("refuses what needs all layers, and what keeps everything takes no options", () => {
    const refused = expect.objectContaining({ code: "INVALID_DEFINITION" });
    expect(() => create(perLayer(() => pyramid))).toThrowError(refused);
    expect(() => create(perLayer(() => adaptive(recentAttention)))).toThrowError(refused);
    for (const none of [undefined, "l2-norm", { ...l2Norm }])
      expect(() => create(perLayer(() => none as never))).toThrowError(refused);
    expect(() =>
      create(
        perLayer((layer) => (layer ? full : full)),
        { budget: 0.5 },
      ),
    ).toThrowError(expect.objectContaining({ code: "UNKNOWN_OPTION" }));
    expect(create(perLayer(() => full)).evicts).toBe(false);
  });
});
