import { createPolicy, SIGNALS } from "@kvasir/kv-policies";
import { expect, test } from "vitest";
import { type SignalSource, signalLoad } from "./head-signals.ts";
import type { Sequence } from "./sequence.ts";
import { slicesOf } from "./slices.ts";

const kvHeads = 4;
const model = {
  headDim: 64,
  kvHeads,
  config: { heads: 8 },
  layerMap: { layers: [{ kvLayer: 0 }, { kvLayer: 1 }] },
} as unknown as SignalSource["model"];

/** The heads of each slice, for a policy and heads of so many slots. */
function slices(policy: string, slots: number): string[] {
  const environment = { layers: 2, heads: kvHeads, pageTokens: 16, signals: SIGNALS };
  const sequence = {
    policy: createPolicy(policy, { budget: 0.5 }, environment),
    pages: { resident: () => slots },
  } as unknown as Sequence;
  const places = Array.from({ length: 2 * kvHeads }, (_, i) => {
    return { sequence, layer: Math.floor(i / kvHeads), head: i % kvHeads, phase: "prefill" as const };
  });
  const load = (place: (typeof places)[number]) => signalLoad(place, model);
  return [...slicesOf(places, load)].map((slice) =>
    slice.map(({ layer, head }) => `${layer}.${head}`).join(" "),
  );
}

test("heads of long sequences are read one by one", () => {
  expect(slices("snapkv", 10 ** 6)).toEqual(["0.0", "0.1", "0.2", "0.3", "1.0", "1.1", "1.2", "1.3"]);
  expect(slices("snapkv", 100)).toHaveLength(1);
});

test("those that share the attention of their layer are read together, however long", () => {
  expect(slices("pyramid-infer", 10 ** 6)).toEqual(["0.0 0.1 0.2 0.3", "1.0 1.1 1.2 1.3"]);
  expect(slices("pyramid-infer", 100)).toHaveLength(1);
});
