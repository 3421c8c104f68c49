import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import { keptBy, newestFirst, sampleHead } from "../sample-attention.ts";
import { streamingLlm } from "./streaming-llm.ts";

describe("streaming-llm", () => {
  it("joins the start of the cache to its end, as the paper's code slices it", () => {
    for (let seed = 0; seed < 60; seed++) {
      const head = sampleHead(seed);
      const cache = newestFirst(head.resident).reverse();
      const start = cache.slice(0, head.sinks);
      const end = cache.slice(head.resident - (head.budget - head.sinks));
      expect(keptBy(streamingLlm, head, {})).toEqual([...start, ...end]);
    }
  });

  it("keeps 4 sinks and a window of 512 unless told, in every layer and head, at positions of the cache", () => {
    const policy = createPolicy(streamingLlm, {}, { layers: 3, heads: 2, pageTokens: 16, signals: [] });
    expect([policy.positions, policy.sinks]).toEqual(["cache", 4]);
    for (const [layer, head] of [
      [0, 0],
      [1, 1],
      [2, 0],
    ] as const) {
      const query = { layer, head, phase: "decode", seen: 900, resident: 600, signals: {} } as const;
      const kept = [...policy.select(query)];
      expect(kept.slice(0, 6)).toEqual([0, 1, 2, 3, 88, 89]);
      expect(kept).toHaveLength(516);
      expect(kept[515]).toBe(599);
    }
  });
});
