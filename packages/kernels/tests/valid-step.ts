import { greedySampling } from "../src/greedy-sampling.ts";
import type { Step } from "../src/step.ts";
import { Random } from "./random.ts";

/** A first step of the tiny model: three tokens of one sequence, the last of which is sampled. */
export function validStep(): Step {
  const random = new Random(62);
  return {
    tokens: random.integers(3, 0, 49),
    sequences: [
      { rows: 3, position: 0, resident: new Int32Array(4), pages: Int32Array.of(5, 9, 0, 127), sinks: 0 },
    ],
    outputs: Int32Array.of(2),
    sampling: [
      {
        ...greedySampling,
        temperature: 0.8,
        history: random.integers(3, 0, 49),
        promptLength: 2,
        topLogprobs: 2,
        allowed: Uint32Array.of(0xfff0ffff, 3),
      },
    ],
    returnLogits: true,
  };
}
