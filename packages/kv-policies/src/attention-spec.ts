import type { AttentionSpec, Signal } from "./signals.ts";

export const DEFAULT_ATTENTION: AttentionSpec = Object.freeze({
  window: 32,
  reduce: "mean",
  over: "group",
  threshold: 1,
  future: 512,
  temperature: Object.freeze([1, 1] as const),
});

/** Which fields say how a signal is measured; signals that are not here are not about attention. */
const fieldsOf: { readonly [S in Signal]?: readonly (keyof AttentionSpec)[] } = {
  attentionSum: ["reduce", "over", "noiseSeed", "temperature"],
  attentionRecent: ["window", "reduce", "over"],
  attentionLast: ["reduce", "over"],
  attentionCount: ["window", "reduce", "over", "threshold"],
  attentionExpected: ["window", "reduce", "over", "future"],
};

export function isAttention(signal: Signal): boolean {
  return fieldsOf[signal] !== undefined;
}

/** Newest queries that a signal goes by. */
export function windowOf(signal: Signal, attention: AttentionSpec): number {
  if (signal === "attentionLast") return 1;
  return fieldsOf[signal]?.includes("window") ? attention.window : 0;
}

/** The fields that matter to some signals, and no others. */
export function relevantFields(signals: readonly Signal[]): ReadonlySet<keyof AttentionSpec> {
  return new Set(signals.flatMap((signal) => fieldsOf[signal] ?? []));
}

const mostFuture = 65536;
const mostWindow = 512;

/** Says what is wrong with what a policy's `attention` returned, or nothing. */
export function attentionFault(spec: AttentionSpec): string | undefined {
  const { window, reduce, over, threshold, future, noiseSeed, temperature, ...others } = spec;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    return `attention: ${unknown}: unknown; known are ${Object.keys(DEFAULT_ATTENTION).join(", ")}, noiseSeed.`;
  const isWhole = (value: unknown, least: number, most: number) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  const isPositive = (value: unknown) => Number.isFinite(value) && (value as number) > 0;
  if (!isWhole(window, 1, mostWindow)) return wrong("window", `a whole number in 1..${mostWindow}`, window);
  if (!["mean", "max", "sum"].includes(reduce)) return wrong("reduce", '"mean", "max" or "sum"', reduce);
  if (!["group", "layer"].includes(over)) return wrong("over", '"group" or "layer"', over);
  if (!isPositive(threshold)) return wrong("threshold", "a number above 0", threshold);
  if (!isWhole(future, 1, mostFuture)) return wrong("future", `a whole number in 1..${mostFuture}`, future);
  if (noiseSeed !== undefined && !isWhole(noiseSeed, 0, 2 ** 32 - 1))
    return wrong("noiseSeed", "a whole number in 0..4294967295", noiseSeed);
  const isTemperature = (value: unknown) =>
    isPositive(value) && (value as number) >= 1e-6 && (value as number) <= 1e6;
  if (!Array.isArray(temperature) || temperature.length !== 2 || !temperature.every(isTemperature))
    return wrong("temperature", "two numbers in 1e-6..1e6", temperature);
  return undefined;
}

function wrong(field: string, expected: string, received: unknown): string {
  return `attention: ${field}: expected ${expected}, received ${String(received)}.`;
}
