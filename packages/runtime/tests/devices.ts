import { cpuLevels, type Device, openDevice } from "@kvasir/kernels";

/** Every device that this machine can open, by name. */
export const devices: readonly { readonly name: string; readonly open: () => Device }[] = [
  { name: "interpreter", open: () => openDevice({ backend: "interpreter" }) },
  ...cpuLevels().map((cpu) => ({
    name: `cpu ${cpu}`,
    open: () => openDevice({ backend: "native", cpu, threads: 2 }),
  })),
];

export const hasNative = devices.length > 1;
