import { quantizeTargets } from "@kvasir/runtime";
import { EngineError } from "./engine-error.ts";
import type { LoopLimits } from "./engine-loop.ts";
import type { EngineOptions } from "./engine-options.ts";
import { received } from "./received.ts";

const known = new Set([
  ...[
    "model",
    "kvCache",
    "backend",
    "threads",
    "cpu",
    "stepTokens",
    "chunkTokens",
    "maxRunning",
    "maxWaiting",
    "maxWaitingTokens",
    "stepMilliseconds",
    "prefixCache",
    "onEvent",
  ],
  ...["passes", "tolerance", "integrity", "onWarning", "weights", "onLoadProgress", "signal", "policies"],
]);
const cacheOptions = new Set(["memory", "dtype", "pageTokens", "hostMemory", "spill"]);

/** The part of `kvCache` that is about pages; what is left is the policy's. */
export const isCacheOption = (name: string): boolean => cacheOptions.has(name);

function integer(
  options: EngineOptions,
  field: "stepTokens" | "chunkTokens" | "maxRunning" | "maxWaiting" | "maxWaitingTokens",
  fallback: number,
  high: number,
  low = 1,
): number {
  const value: unknown = options[field] ?? fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
  throw new EngineError(
    "invalid-options",
    `${field}: expected an integer in [${low}, ${high}], received ${received(value)}`,
    field,
  );
}

function oneOf(value: unknown, allowed: readonly unknown[], field: string): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new EngineError(
    "invalid-options",
    `${field}: expected one of ${allowed.join(", ")}, received ${received(value)}`,
    field,
  );
}

function object(value: unknown, field: string): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new EngineError(
    "invalid-options",
    `${field}: expected an object, received ${received(value)}`,
    field,
  );
}

/** Checks what is not another package's to check. Throws `invalid-options` naming the option and its range. */
export function checkOptions(options: EngineOptions): LoopLimits {
  object(options, "options");
  for (const field of Object.keys(options)) oneOf(field, [...known], field);
  if (typeof options.model !== "string" || options.model === "") {
    throw new EngineError(
      "invalid-options",
      "model: expected the path of a checkpoint directory or a GGUF file",
      "model",
    );
  }
  oneOf(options.backend, ["auto", "native", "interpreter"], "backend");
  if (options.kvCache !== undefined) object(options.kvCache, "kvCache");
  oneOf(options.kvCache?.dtype, ["f32", "f16", "bf16"], "kvCache.dtype");
  oneOf(options.kvCache?.pageTokens, [16, 32], "kvCache.pageTokens");
  oneOf(options.integrity, ["step", "idle"], "integrity");
  oneOf(options.weights, quantizeTargets, "weights");
  oneOf(options.prefixCache, [true, false], "prefixCache");
  for (const field of ["onWarning", "onLoadProgress", "onEvent"] as const) {
    if (options[field] === undefined || typeof options[field] === "function") continue;
    throw new EngineError("invalid-options", `${field}: expected a function`, field);
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new EngineError("invalid-options", "signal: expected an AbortSignal", "signal");
  }
  const { stepMilliseconds = 100 } = options;
  if (typeof stepMilliseconds !== "number" || !(stepMilliseconds >= 1 && stepMilliseconds <= 60_000)) {
    const message = `stepMilliseconds: expected a number in [1, 60000], received ${received(stepMilliseconds)}`;
    throw new EngineError("invalid-options", message, "stepMilliseconds");
  }
  const stepTokens = integer(options, "stepTokens", 512, 65_536);
  return {
    integrity: options.integrity ?? "idle",
    onWarning: options.onWarning ?? ((message) => process.emitWarning(message, "KvasirWarning")),
    onEvent: options.onEvent ?? (() => {}),
    stepTokens,
    stepMilliseconds,
    chunkTokens: Math.min(integer(options, "chunkTokens", stepTokens, 65_536), stepTokens),
    // Each can decode in every step, so nobody holds pages without going on.
    maxRunning: Math.min(integer(options, "maxRunning", 64, 4096), stepTokens),
    maxWaiting: integer(options, "maxWaiting", 256, 1_000_000, 0),
    maxWaitingTokens: integer(options, "maxWaitingTokens", 1_000_000, 2 ** 53 - 1, 0),
  };
}
