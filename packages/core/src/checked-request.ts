import { randomBytes } from "node:crypto";
import type { CacheOwner } from "./cache-keys.ts";
import type { GenerateRequest } from "./generate-request.ts";
import { refuse } from "./refuse.ts";
import { checkOrder, checkOwner } from "./request-order.ts";
import type { Order } from "./sequence.ts";

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
  /** -1: none. */
  readonly promptLogprobs: number;
  readonly deadline: number | undefined;
  readonly order: Order;
  readonly owner: CacheOwner;
  readonly cachePrompt: boolean;
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
  promptLogprobs: { low: 0, high: 20, integer: true },
  priority: { low: -100, high: 100, integer: true },
  deadline: { low: 1, high: 86_400_000 },
} as const satisfies Record<string, Range>;

const known = new Set([
  ...Object.keys(ranges),
  ...["prompt", "messages", "stop", "logitBias", "seed", "ignoreEos", "kvCache", "signal", "format"],
  ...["tools", "templateVariables", "id", "tenant", "cacheSalt", "cachePrompt", "retention", "session"],
]);

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
  // Sampling is in single precision, where a tiny temperature would be none.
  if (value !== 0 && Math.fround(value) === 0)
    refuse(field, "0, or a number that f32 does not round to 0", value);
  return value;
}

function stops(value: GenerateRequest["stop"]): readonly string[] {
  const given = typeof value === "string" ? [value] : (value ?? []);
  const list: unknown[] = Array.isArray(given) && given.length <= 16 ? Array.from(given) : [undefined];
  const isStop = (stop: unknown): stop is string =>
    typeof stop === "string" && stop.length > 0 && stop.length <= 1024 && !/\p{Surrogate}/u.test(stop);
  return list.every(isStop)
    ? list
    : refuse("stop", "a string or up to 16 strings of 1 to 1,024 whole characters", value);
}

function seed(value: GenerateRequest["seed"]): bigint {
  if (value === undefined) return randomBytes(8).readBigUInt64LE();
  if (typeof value === "number" && !Number.isSafeInteger(value))
    refuse("seed", "a safe integer or a bigint", value);
  if (typeof value !== "number" && typeof value !== "bigint")
    refuse("seed", "a safe integer or a bigint", value);
  if (value < -(2n ** 63n) || value >= 2n ** 64n) refuse("seed", "at most 64 bits", value);
  return BigInt.asUintN(64, BigInt(value));
}

function bias(value: GenerateRequest["logitBias"], vocabSize: number): [Int32Array, Float32Array] {
  if (value === undefined) return [new Int32Array(0), new Float32Array(0)];
  if (typeof value !== "object" || value === null || Symbol.iterator in value)
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
  for (const field of ["ignoreEos", "cachePrompt"] as const) {
    if (request[field] !== undefined && typeof request[field] !== "boolean")
      refuse(field, "a boolean", request[field]);
  }
  checkTemplateFields(request);
  checkFormat(request.format);
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
    promptLogprobs: number(request, "promptLogprobs", -1),
    deadline: number(request, "deadline", undefined),
    order: checkOrder(request, number(request, "priority", 0)),
    owner: checkOwner(request),
    cachePrompt: request.cachePrompt ?? true,
  };
}

/** Its schema is checked when it is compiled. */
function checkFormat(format: GenerateRequest["format"]): void {
  if (format === undefined) return;
  if (typeof format !== "object" || format === null) refuse("format", "an object", format);
  if (format.type !== "json-object" && format.type !== "json-schema")
    refuse("format", 'a type of "json-object" or "json-schema"', (format as { type?: unknown }).type);
}

function checkTemplateFields({ messages, tools, templateVariables }: GenerateRequest): void {
  for (const [field, value] of Object.entries({ tools, templateVariables })) {
    if (value !== undefined && messages === undefined) refuse(field, "messages beside it", "a prompt");
  }
  if (tools !== undefined && !Array.isArray(tools)) refuse("tools", "an array", tools);
  const isObject = typeof templateVariables === "object" && templateVariables !== null;
  if (templateVariables !== undefined && (!isObject || Array.isArray(templateVariables)))
    refuse("templateVariables", "an object", templateVariables);
}
