import { it } from "vitest";
import { checkpointCases } from "./checkpoints.case.ts";
import { devices, hasNative } from "./devices.ts";

for (const { name, open } of devices) checkpointCases(name, open);

if (!hasNative) it.skip("checkpoints on native kernels: no binary of the kernels loads here");
