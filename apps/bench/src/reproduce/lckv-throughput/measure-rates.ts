import { KernelError, probeDevice } from "@kvasir/kernels";
import { timeLinear } from "../../roofline/linear-run.ts";
import type { PartContext } from "../figure.ts";
import type { RatesResult } from "./lckv-results.ts";

/** Several times the last cache of most machines. */
const readBytes = 256 * 2 ** 20;
const seconds = 1;
/** Rows of a product that is bound by arithmetic. */
const rows = 512;

/** Measures how fast the device reads memory, and how fast it multiplies matrices of the figure's weights. */
export async function measureRates({ settings, signal, onProgress }: PartContext): Promise<RatesResult> {
  const { device } = settings;
  try {
    const read = await probeDevice(device, { what: "read", bytes: readBytes }, seconds);
    signal.throwIfAborted();
    onProgress(0.5);
    const { ms, operations } = await timeLinear(device, "bf16", rows, { bytes: 1, seconds });
    const rates = { operations: (operations / ms) * 1000, readBytes: read };
    return { kind: "rates", device: device.description, rates };
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== "unsupported") throw error;
    return { kind: "rates", device: device.description, rates: null };
  }
}
