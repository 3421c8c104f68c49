import { describe, it } from "vitest";
import { checkpointCases } from "./checkpoints.case.ts";
import { devices, hasNative } from "./devices.ts";

for (const { name, open } of devices) checkpointCases(name, open);

describe.skipIf(hasNative)(
  "checkpoints on native kernels (skipped: no binary of the kernels loads here)",
  () => {
    it.skip("gives the recorded logits and greedy ids");
  },
);
