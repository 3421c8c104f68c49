import { definePolicy } from "@kvasir/kv-policies";

/** The opposite of `l2-norm`: the keys of lowest norm go first. The paper's control, which should do worse than chance. */
export const highestNorm = definePolicy({
  name: "highest-norm",
  signals: ["keyNorm"],
  defaults: { budget: 0.5, protectLayers: [0, 1], sinks: 0, recent: 64 },
  score: ({ keyNorm }) => keyNorm,
});
