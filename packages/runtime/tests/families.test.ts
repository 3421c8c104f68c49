import { it } from "vitest";
import { devices, hasNative } from "./devices.ts";
import { familyCases } from "./families.case.ts";

for (const { name, open } of devices) familyCases(name, open);

if (!hasNative) it.skip("model families on native kernels: no binary of the kernels loads here");
