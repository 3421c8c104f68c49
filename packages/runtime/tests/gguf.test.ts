import { it } from "vitest";
import { devices, hasNative, packs } from "./devices.ts";
import { ggufCases } from "./gguf.case.ts";

for (const { name, open } of devices) ggufCases(name, open, packs(name));

if (!hasNative) it.skip("GGUF files on native kernels: no binary of the kernels loads here");
