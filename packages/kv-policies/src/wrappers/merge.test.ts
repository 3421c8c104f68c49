import { expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import { definePolicy } from "../definition.ts";
import { full } from "../policies/full.ts";
import { l2Norm } from "../policies/l2-norm.ts";
import { environment, free, recentAttention, summedAttention } from "../sample-policies.ts";
import { merge } from "./merge.ts";
import { perLayer } from "./per-layer.ts";
import { perPhase } from "./per-phase.ts";

it("says how similar keys must be, where slots are evicted", () => {
  const policy = createPolicy(merge(l2Norm), { mergeThreshold: 0.5, protectLayers: [1] }, environment);
  const at = (layer: number) => policy.mergeAt({ layer, phase: "decode" });
  expect([0, 1, 2, 3].map(at)).toEqual([
    { threshold: 0.5 },
    undefined,
    { threshold: 0.5 },
    { threshold: 0.5 },
  ]);
  expect(createPolicy(l2Norm, {}, environment).mergeAt({ layer: 2, phase: "prefill" })).toBeUndefined();
});

it("merges in one phase, or in one layer, alone", () => {
  const phased = createPolicy(perPhase(merge(recentAttention), summedAttention), free, environment);
  expect(phased.mergeAt({ layer: 0, phase: "prefill" })).toEqual({ threshold: 0.8 });
  expect(phased.mergeAt({ layer: 0, phase: "decode" })).toBeUndefined();
  const layered = createPolicy(
    merge(perLayer((layer) => (layer < 2 ? full : l2Norm))),
    { ...free, mergeThreshold: -1 },
    environment,
  );
  expect([0, 1, 2, 3].map((layer) => layered.mergeAt({ layer, phase: "decode" })?.threshold)).toEqual([
    undefined,
    undefined,
    -1,
    -1,
  ]);
});

it("refuses what evicts nothing, what merges already, and thresholds that no cosine has", () => {
  const refused = expect.objectContaining({ code: "INVALID_DEFINITION" });
  const own = (threshold: number) => definePolicy({ ...l2Norm, merge: () => ({ threshold }) });
  expect(() => merge(full)).toThrowError(refused);
  expect(() => merge(merge(l2Norm))).toThrowError(refused);
  expect(() => merge(own(0.5))).toThrowError(refused);
  expect(() => createPolicy(own(1.5), {}, environment)).toThrowError(refused);
  expect(() => createPolicy(own(Number.NaN), {}, environment)).toThrowError(refused);
  expect(() => createPolicy(merge(l2Norm), { mergeThreshold: 2 }, environment)).toThrowError(
    expect.objectContaining({ code: "INVALID_OPTION", field: "mergeThreshold" }),
  );
});
