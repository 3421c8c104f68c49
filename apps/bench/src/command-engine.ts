import type { EngineOptions } from "@kvasir/core";
import { readPolicyFlags } from "@kvasir/kv-policies";
import { type DeviceFlags, deviceOptions } from "./device-flags.ts";
import { modelFolder } from "./model-folder.ts";
import type { PolicyModuleFlags } from "./policy-flags.ts";

/** The flags of commands that run many policies on one model, about the engine that they share. */
export type EngineFlags = DeviceFlags &
  PolicyModuleFlags & {
    readonly model: string;
    readonly kvDtype: "f32" | "f16" | "bf16";
    readonly kvMemory?: string;
  };

/** The engine that such flags ask for; policies of files and packages are loaded, and known to it by name. */
export async function engineOf(flags: EngineFlags): Promise<EngineOptions> {
  const { model, kvPolicies, kvDtype, kvMemory } = flags;
  const { policies } = await readPolicyFlags({ kvPolicies });
  return {
    ...deviceOptions(flags),
    model: modelFolder(model),
    policies,
    kvCache: { dtype: kvDtype, ...(kvMemory !== undefined && { memory: kvMemory }) },
  };
}
