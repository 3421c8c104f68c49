import { it } from "vitest";
import { devices, hasNative } from "./devices.ts";
import { ggufCases } from "./gguf.case.ts";

for (const { name, open } of devices) ggufCases(name, open);

if (!hasNative) it.skip("GGUF files on native kernels: no binary of the kernels loads here");
