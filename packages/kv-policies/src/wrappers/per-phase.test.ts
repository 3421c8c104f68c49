import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import type { PolicyDefinition } from "../definition.ts";
import { definePolicy } from "../definition.ts";
import { full } from "../policies/full.ts";
import { l2Norm } from "../policies/l2-norm.ts";
import { streamingLlm } from "../policies/streaming-llm.ts";
import {
  environment,
  free,
  guardsOnly,
  layerAttention,
  pyramid,
  recentAttention,
  summedAttention,
} from "../sample-policies.ts";
import { adaptive } from "./adaptive.ts";
import { chunked } from "./chunked.ts";
import { perLayer } from "./per-layer.ts";
import { perPhase } from "./per-phase.ts";

const create = (definition: PolicyDefinition, options = {}) => createPolicy(definition, options, environment);
const refused = expect.objectContaining({ code: "INVALID_DEFINITION" });

describe("perPhase", () => {
  it("has one policy choose in the prompt and the other while decoding", () => {
    const policy = create(perPhase(recentAttention, summedAttention), { ...free, budget: 4 });
    expect(policy.name).toBe("recent-attention>summed-attention");
    const signals = {
      attentionRecent: Float32Array.of(9, 8, 7, 0, 0, 0, 0, 0),
      attentionSum: Float32Array.of(0, 0, 0, 7, 8, 9, 0, 0),
    };
    const query = { layer: 0, head: 0, seen: 8, resident: 8, signals };
    expect([...policy.select({ ...query, phase: "prefill" })]).toEqual([0, 1, 2, 7]);
    expect([...policy.select({ ...query, phase: "decode" })]).toEqual([3, 4, 5, 7]);
  });

  it("says what each phase reads, and how", () => {
    const policy = create(perPhase(recentAttention, summedAttention));
    const needs = (phase: "prefill" | "decode") => policy.needs({ layer: 0, phase });
    expect(needs("prefill")).toMatchObject({
      signals: ["attentionRecent"],
      attention: { window: 16, reduce: "mean" },
    });
    expect(needs("decode")).toMatchObject({ signals: ["attentionSum"], attention: { reduce: "max" } });
    expect(policy.signals).toEqual(["attentionRecent", "attentionSum"]);
    expect(policy.window).toBe(16);
    expect(policy.collects).toEqual({ reduce: "max", temperature: [1, 1] });
    expect(create(perPhase(recentAttention, full)).collects).toBeUndefined();
    expect(create(perPhase(full, summedAttention)).window).toBe(0);
  });

  it("gives a parameter to each part that has one of its name, and each its own default", () => {
    const both = perPhase(recentAttention, summedAttention);
    const window = (options: object) =>
      create(both, options).needs({ layer: 0, phase: "prefill" }).attention.window;
    expect([window({}), window({ window: 24 })]).toEqual([16, 24]);
    expect(create(both).options).not.toHaveProperty("window");
    expect(create(both, { window: 24 }).options).toHaveProperty("window", 24);
    expect(create(both).key).not.toBe(create(both, { window: 16 }).key);
    expect(() => create(both, { window: 40 })).toThrowError(
      expect.objectContaining({ code: "INVALID_OPTION", field: "window" }),
    );
    expect(() => create(both, { size: 1 })).toThrowError(expect.objectContaining({ code: "UNKNOWN_OPTION" }));
  });

  it("takes the prompt's defaults first, the larger guards, and goes on while decoding as the other says", () => {
    const { options } = create(perPhase(recentAttention, summedAttention));
    expect(options).toMatchObject({ budget: 0.5, sinks: 4, recent: 16, decode: true, prefill: "end" });
    expect(create(perPhase(full, summedAttention)).options).toMatchObject({
      budget: 0.25,
      sinks: 1,
      recent: 8,
    });
    expect(create(perPhase(summedAttention, recentAttention)).options.decode).toBe(false);
  });

  it("evicts from no prompt that its policy keeps, and announces so many slots", () => {
    const policy = create(perPhase(full, summedAttention), { ...free, budget: 20 });
    const state = { layer: 0, head: 0, seen: 64, resident: 64 };
    expect(policy.overBudget({ ...state, phase: "prefill" })).toBe(false);
    expect(policy.overBudget({ ...state, phase: "decode" })).toBe(true);
    const size = { layer: 0, prompt: 64, maxNew: 50, chunk: 8 };
    expect(policy.maximumResident(size)).toEqual({ prefill: 64, decode: 68 });
    expect(policy.maximumResident({ ...size, maxNew: 3 })).toEqual({ prefill: 64, decode: 67 });
  });

  it("can size itself in one phase and keep to a budget in the other", () => {
    const policy = create(perPhase(recentAttention, guardsOnly), { ...free, budget: 20 });
    const state = { layer: 0, head: 0, seen: 64, resident: 18 };
    expect(policy.overBudget({ ...state, phase: "prefill" })).toBe(false);
    expect(policy.overBudget({ ...state, phase: "decode" })).toBe(true);
    expect(policy.select({ ...state, phase: "decode", signals: {} })).toHaveLength(4);
  });

  it("reads attention in the prompt before positions of the cache, but not after", () => {
    const policy = create(perPhase(recentAttention, streamingLlm), { budget: 64 });
    expect([policy.positions, policy.sinks]).toEqual(["cache", 4]);
    expect(() => create(perPhase(streamingLlm, summedAttention))).toThrowError(refused);
    expect(() =>
      create(perPhase(recentAttention, streamingLlm), { budget: 64, prefill: "chunk" }),
    ).toThrowError(expect.objectContaining({ code: "INVALID_OPTION", field: "prefill" }));
  });

  it("divides a budget as the part that does so says, from what it reads at the prompt's end", async () => {
    for (const definition of [
      perPhase(adaptive(recentAttention), l2Norm),
      perPhase(l2Norm, adaptive(recentAttention)),
      perPhase(l2Norm, adaptive(chunked(recentAttention))),
      perPhase(l2Norm, chunked(adaptive(recentAttention))),
    ]) {
      const policy = create(definition, { ...free, budget: 16 });
      expect(policy.allocates).toBe(true);
      const { signals } = policy.needs({ layer: 1, phase: "prefill" });
      expect(signals).toContain("attentionRecent");
      const { shares } = await policy.allocate({
        seen: 50,
        resident: () => 50,
        signals: async (_, head) => ({
          attentionRecent: new Float32Array(50).fill(head),
          keyNorm: new Float32Array(50),
          position: Float32Array.from({ length: 50 }, (_, slot) => slot),
        }),
      });
      expect(shares[1]).toBeGreaterThan(shares[0]!);
    }
    const plain = create(perPhase(pyramid, summedAttention), { ...free, budget: 16 });
    expect(plain.needs({ layer: 1, phase: "prefill" }).signals).toEqual(["keyNorm"]);
  });

  it("refuses parts that cannot follow each other", () => {
    const other = definePolicy({ ...summedAttention, name: "other", attention: () => ({ reduce: "sum" }) });
    const mean = definePolicy({ ...recentAttention, name: "mean", attention: () => ({ window: 8 }) });
    // Two divisions of one budget.
    expect(() => perPhase(pyramid, adaptive(recentAttention))).toThrowError(refused);
    // Three phases.
    expect(() => perPhase(l2Norm, perPhase(l2Norm, full))).toThrowError(refused);
    // Two ways to add up attention.
    expect(() => create(perPhase(summedAttention, other))).toThrowError(refused);
    // Two ways to read it at the end of the prompt.
    expect(() => create(perPhase(recentAttention, adaptive(mean)))).toThrowError(refused);
    // Heads that went apart.
    expect(() => create(perPhase(l2Norm, layerAttention))).toThrowError(refused);
    expect(create(perPhase(layerAttention, l2Norm), { budget: 0.5 }).evicts).toBe(true);
    expect(create(perPhase(full, layerAttention), { budget: 0.5 }).evicts).toBe(true);
  });

  it("nests with wrappers around it and within it", () => {
    const names = [
      chunked(perPhase(recentAttention, l2Norm)),
      perPhase(chunked(adaptive(recentAttention)), l2Norm),
      adaptive(perPhase(recentAttention, l2Norm)),
    ].map((definition) => create(definition, { budget: 0.5 }).name);
    expect(names).toEqual([
      "chunked+(recent-attention>l2-norm)",
      "chunked+adaptive+recent-attention>l2-norm",
      "adaptive+(recent-attention>l2-norm)",
    ]);
    const inLayers = perPhase(
      perLayer((layer) => (layer < 2 ? full : recentAttention)),
      l2Norm,
    );
    const policy = create(inLayers, { ...free, budget: 20 });
    expect(policy.name).toBe("per-layer(full x2, recent-attention x2)>l2-norm");
    const due = (layer: number) =>
      policy.overBudget({ layer, head: 0, seen: 64, resident: 64, phase: "prefill" });
    expect([0, 1, 2, 3].map(due)).toEqual([false, false, true, true]);
  });
});
