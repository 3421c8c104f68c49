import { describe, expect, it } from "vitest";
import { createPolicy } from "../create-policy.ts";
import { firstOf, guardedSlots, keptBy, newestFirst, sampleHead } from "../sample-attention.ts";
import { window } from "./window.ts";

describe("window", () => {
  it("keeps what is left when the oldest goes, one after the other", () => {
    for (let seed = 0; seed < 60; seed++) {
      const head = sampleHead(seed);
      const left = newestFirst(head.resident).reverse();
      while (left.length > head.budget) left.splice(head.sinks, 1);
      expect(keptBy(window, head, {})).toEqual(left);
      expect(left).toEqual(firstOf([...guardedSlots(head), ...newestFirst(head.resident)], head.budget));
    }
  });

  it("keeps no sinks and half of the text unless told", () => {
    const policy = createPolicy(window, {}, { layers: 1, heads: 1, pageTokens: 4, signals: [] });
    const query = { layer: 0, head: 0, phase: "prefill", seen: 11, resident: 11, signals: {} } as const;
    expect([...policy.select(query)]).toEqual([5, 6, 7, 8, 9, 10]);
    expect(policy.positions).toBe("original");
  });
});
