import { describe, it } from "vitest";
import { devices, hasNative } from "./devices.ts";
import { familyCases } from "./families.case.ts";

for (const { name, open } of devices) familyCases(name, open);

describe.skipIf(hasNative)(
  "model families on native kernels (skipped: no binary of the kernels loads here)",
  () => {
    it.skip("give the reference's logits");
  },
);
