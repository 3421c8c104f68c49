import { devices } from "./devices.ts";
import { embedCases } from "./embed.case.ts";

for (const { name, open } of devices) embedCases(name, open);
