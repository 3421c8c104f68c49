import {
  blockFormat,
  type DeviceOptions,
  isQuantDType,
  openDevice,
  probeDevice,
  type WeightDType,
} from "@kvasir/kernels";
import { type Conditions, conditionsNow } from "../conditions.ts";
import { timeAttend } from "./attend-run.ts";
import { type KernelTime, timeLinear } from "./linear-run.ts";

/** What a machine can do, measured by the native kernels' own library. */
export type MachineRates = {
  readonly threads: number;
  /** Bytes a second read from memory. */
  readonly read: number;
  /** Operations a second in registers; a multiplication and an addition are two. */
  readonly float: number;
  readonly byte: number;
};

/** A kernel against the roof over it. */
export type KernelShare = {
  readonly kernel: string;
  readonly ms: number;
  readonly bytesPerSecond: number;
  readonly operationsPerSecond: number;
  /** What ends it: reading its bytes, or its operations, at the machine's rates. */
  readonly bound: "memory" | "arithmetic";
  /** Its time at those rates as a share of the time that it took; above 1 where a cache helped. */
  readonly share: number;
};

export type Roofline = {
  readonly conditions: Conditions;
  readonly device: string;
  readonly rates: readonly MachineRates[];
  readonly kernels: readonly KernelShare[];
};

export type RooflineOptions = {
  readonly device: DeviceOptions & { readonly threads: number };
  /** Seconds for each measurement. */
  readonly seconds: number;
  /** Bytes of the buffer that is read, and of the weights of a product: several times the last cache; whole MiB. */
  readonly bytes: number;
  readonly dtypes: readonly WeightDType[];
  /** Slots that attention is measured over, a multiple of 512. */
  readonly resident: number;
  readonly onProgress?: (done: number, of: number) => void;
};

export const weightDtypes = Object.keys(blockFormat) as readonly WeightDType[];
const rowCounts = [1, 16, 512];

/**
 * Measures the machine, and then each kernel's share of it (Williams, Waterman and Patterson, "Roofline", 2009).
 * Throws `KernelError` where there are no native kernels.
 */
export async function roofline(options: RooflineOptions): Promise<Roofline> {
  const { seconds, bytes, dtypes, resident } = options;
  const { threads } = options.device;
  const conditions = conditionsNow();
  let done = 0;
  const steps = dtypes.length * rowCounts.length + 2;
  const progress = () => options.onProgress?.(done++, steps);
  progress();
  const rates: MachineRates[] = [];
  for (const count of new Set([1, threads])) rates.push(await machineRates({ ...options, threads: count }));
  const roof = rates.at(-1)!;
  using device = openDevice(options.device);
  const kernels: KernelShare[] = [];
  for (const dtype of dtypes) {
    for (const rows of rowCounts) {
      progress();
      // Many rows use a weight over and over, so that one is enough.
      const time = await timeLinear(device, dtype, rows, { bytes: rows > 16 ? 1 : bytes, seconds });
      const operations = isQuantDType(dtype) ? roof.byte : roof.float;
      kernels.push(
        shareOf(`linear ${dtype}, ${rows} ${rows === 1 ? "row" : "rows"}`, time, roof.read, operations),
      );
    }
  }
  progress();
  const { decode, prefill } = await timeAttend(device, resident, seconds);
  kernels.push(shareOf(`attention over ${resident}, 1 row`, decode, roof.read, roof.float));
  kernels.push(shareOf(`attention over ${resident}, 512 rows`, prefill, roof.read, roof.float));
  progress();
  return { conditions, device: device.description, rates, kernels };
}

async function machineRates(options: RooflineOptions & { readonly threads: number }): Promise<MachineRates> {
  const { threads, bytes, seconds } = options;
  using device = openDevice({ ...options.device, threads });
  return {
    threads,
    read: await probeDevice(device, { what: "read", bytes }, seconds),
    float: await probeDevice(device, { what: "float" }, seconds),
    byte: await probeDevice(device, { what: "byte" }, seconds),
  };
}

function shareOf(kernel: string, time: KernelTime, readRate: number, operationRate: number): KernelShare {
  const [reading, computing] = [time.bytes / readRate, time.operations / operationRate];
  const seconds = time.ms / 1000;
  return {
    kernel,
    ms: time.ms,
    bytesPerSecond: time.bytes / seconds,
    operationsPerSecond: time.operations / seconds,
    bound: reading > computing ? "memory" : "arithmetic",
    share: Math.max(reading, computing) / seconds,
  };
}
