import { randomBytes } from "node:crypto";
import { EngineError } from "./engine-error.ts";
import type { GenerateRequest } from "./generate-request.ts";

/** A request whose every number is in its range and whose defaults are filled in. */
export type CheckedRequest = {
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly biasIds: Int32Array;
  readonly biasValues: Float32Array;
  readonly seed: bigint;
  /** -1: none. */
  readonly logprobs: number;
  readonly ignoreEos: boolean;
};

type Range = {
  readonly low: number;
  readonly high: number;
  readonly integer?: boolean;
  readonly above?: boolean;
};

const ranges = {
  maxTokens: { low: 1, high: 2 ** 31 - 1, integer: true },
  temperature: { low: 0, high: 2 },
  topK: { low: 0, high: 2 ** 31 - 1, integer: true },
  topP: { low: 0, high: 1, above: true },
  minP: { low: 0, high: 1 },
  repetitionPenalty: { low: 0, high: 10, above: true },
  presencePenalty: { low: -2, high: 2 },
  frequencyPenalty: { low: -2, high: 2 },
  logprobs: { low: 0, high: 20, integer: true },
} as const satisfies Record<string, Range>;

const known = new Set([
  ...Object.keys(ranges),
  ...["prompt", "messages", "stop", "logitBias", "seed", "ignoreEos", "kvCache", "signal"],
]);

function refuse(field: string, expected: string, received: unknown): never {
  const shown =
    typeof received === "bigint" ? `${received}n` : (JSON.stringify(received) ?? String(received));
  const text = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  throw new EngineError("invalid-request", `${field}: expected ${expected}, received ${text}`, field);
}

function number<Default extends number | undefined>(
  request: GenerateRequest,
  field: keyof typeof ranges,
  fallback: Default,
): number | Default {
  const value: unknown = request[field];
  if (value === undefined) return fallback;
  const { low, high, integer = false, above = false }: Range = ranges[field];
  const inside = typeof value === "number" && (above ? value > low : value >= low) && value <= high;
  if (!inside || (integer && !Number.isInteger(value))) {
    refuse(field, `${integer ? "an integer" : "a number"} in ${above ? "(" : "["}${low}, ${high}]`, value);
  }
  return value;
}

function stops(value: GenerateRequest["stop"]): readonly string[] {
  const list = typeof value === "string" ? [value] : (value ?? []);
  const fine =
    Array.isArray(list) &&
    list.length <= 16 &&
    list.every((stop) => typeof stop === "string" && stop.length > 0 && stop.length <= 1024);
  return fine ? list : refuse("stop", "a string or up to 16 strings of 1 to 1,024 characters", value);
}

function seed(value: GenerateRequest["seed"]): bigint {
  if (value === undefined) return randomBytes(8).readBigUInt64LE();
  if (typeof value === "number" && !Number.isSafeInteger(value))
    refuse("seed", "a safe integer or a bigint", value);
  if (typeof value !== "number" && typeof value !== "bigint")
    refuse("seed", "a safe integer or a bigint", value);
  return BigInt.asUintN(64, BigInt(value));
}

function bias(value: GenerateRequest["logitBias"], vocabSize: number): [Int32Array, Float32Array] {
  if (value === undefined) return [new Int32Array(0), new Float32Array(0)];
  if (typeof value !== "object" || value === null || Array.isArray(value))
    refuse("logitBias", "an object", value);
  const entries = Object.entries(value);
  if (entries.length > 1024) refuse("logitBias", "at most 1,024 entries", entries.length);
  for (const [id, amount] of entries) {
    if (!/^\d{1,10}$/.test(id) || Number(id) >= vocabSize) {
      refuse("logitBias", `token ids in [0, ${vocabSize - 1}]`, id);
    }
    if (typeof amount !== "number" || !(amount >= -100 && amount <= 100)) {
      refuse(`logitBias.${id}`, "a number in [-100, 100]", amount);
    }
  }
  return [Int32Array.from(entries, ([id]) => Number(id)), Float32Array.from(entries, ([, amount]) => amount)];
}

/** Checks everything but the prompt and the policy. Throws `invalid-request` naming the field and its range. */
export function checkRequest(request: GenerateRequest, vocabSize: number): CheckedRequest {
  if (typeof request !== "object" || request === null) refuse("request", "an object", request);
  for (const field of Object.keys(request)) {
    if (!known.has(field)) refuse(field, `one of ${[...known].join(", ")}`, "an unknown field");
  }
  if ((request.prompt === undefined) === (request.messages === undefined)) {
    refuse("prompt", "exactly one of prompt and messages", request.prompt === undefined ? "neither" : "both");
  }
  if (request.ignoreEos !== undefined && typeof request.ignoreEos !== "boolean") {
    refuse("ignoreEos", "a boolean", request.ignoreEos);
  }
  if (request.signal !== undefined && !(request.signal instanceof AbortSignal)) {
    refuse("signal", "an AbortSignal", typeof request.signal);
  }
  const [biasIds, biasValues] = bias(request.logitBias, vocabSize);
  return {
    maxTokens: number(request, "maxTokens", undefined),
    stop: stops(request.stop),
    temperature: number(request, "temperature", 1),
    topK: number(request, "topK", 0),
    topP: number(request, "topP", 1),
    minP: number(request, "minP", 0),
    repetitionPenalty: number(request, "repetitionPenalty", 1),
    presencePenalty: number(request, "presencePenalty", 0),
    frequencyPenalty: number(request, "frequencyPenalty", 0),
    biasIds,
    biasValues,
    seed: seed(request.seed),
    logprobs: number(request, "logprobs", -1),
    ignoreEos: request.ignoreEos ?? false,
  };
}
