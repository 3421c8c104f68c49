import { logitsWidth, type Program } from "../program.ts";
import type { AttentionCollection, Sampling, Step, StepResult } from "../step.ts";
import { reduceCodes } from "./abi-codes.ts";
import type { FlatResult, FlatStep } from "./addon.ts";
import { queriesOf } from "./native-query-window.ts";

const noTokens = new Int32Array(0);

/** Flattens a step that has been validated. */
export function flattenStep(step: Step): FlatStep {
  const sampling = step.sampling ?? [];
  const penalised = sampling.map(hasPenalty);
  return {
    tokens: step.tokens,
    outputs: step.outputs,
    sequences: Int32Array.from(
      step.sequences.flatMap(({ rows, position, sinks }) => [rows, position, sinks]),
    ),
    resident: step.sequences.map(({ resident }) => resident),
    pages: step.sequences.map(({ pages }) => pages),
    queries: step.sequences.map(({ queries }) => (queries === undefined ? undefined : queriesOf(queries))),
    collections: Int32Array.from(step.sequences.flatMap(({ collect }) => collectionIntegers(collect))),
    temperatures: Float32Array.from(step.sequences, ({ collect }) => collect?.temperature ?? 1),
    sampled: step.sampling !== undefined,
    samplingIntegers: Int32Array.from(
      sampling.flatMap((s, i) => [
        s.topK,
        penalised[i] ? s.promptLength : 0,
        s.topLogprobs,
        s.allowed === undefined ? 0 : 1,
      ]),
    ),
    samplingNumbers: Float32Array.from(
      sampling.flatMap((s) => [
        s.temperature,
        s.topP,
        s.minP,
        s.repetitionPenalty,
        s.presencePenalty,
        s.frequencyPenalty,
      ]),
    ),
    samplingWords: BigUint64Array.from(sampling.flatMap((s) => [s.seed, BigInt(s.draw)])),
    // A history that no penalty reads is not worth copying.
    histories: sampling.map((s, i) => (penalised[i] ? s.history : noTokens)),
    biasIds: sampling.map((s) => s.biasIds),
    biasValues: sampling.map((s) => s.biasValues),
    allowed: joinedMasks(sampling),
  };
}

/** A copy in one piece: a step may have a mask for each of many sequences. */
function joinedMasks(sampling: readonly Sampling[]): Uint32Array {
  const masks = sampling.flatMap(({ allowed }) => (allowed === undefined ? [] : [allowed]));
  const joined = new Uint32Array(masks.reduce((words, { length }) => words + length, 0));
  let at = 0;
  for (const mask of masks) {
    joined.set(mask, at);
    at += mask.length;
  }
  return joined;
}

function collectionIntegers(collect: AttentionCollection | undefined): number[] {
  if (collect === undefined) return [0, 0, 0, 0];
  const { reduce, noiseSeed } = collect;
  return [1, reduceCodes[reduce], noiseSeed === undefined ? 0 : 1, noiseSeed ?? 0];
}

function hasPenalty(s: Sampling): boolean {
  return s.repetitionPenalty !== 1 || s.presencePenalty !== 0 || s.frequencyPenalty !== 0;
}

/** Room for what the step asks for. */
export function emptyResult(step: Step, program: Program): FlatResult {
  const outputs = step.outputs.length;
  const logits = step.returnLogits ? new Float32Array(outputs * logitsWidth(program)) : undefined;
  if (step.sampling === undefined) {
    return {
      tokens: undefined,
      logprobs: undefined,
      topIds: undefined,
      topLogprobs: undefined,
      topStride: 0,
      logits,
    };
  }
  const topStride = step.sampling.reduce((most, { topLogprobs }) => Math.max(most, topLogprobs), 0);
  return {
    tokens: new Int32Array(outputs),
    logprobs: new Float32Array(outputs).fill(NaN),
    topIds: new Int32Array(outputs * topStride),
    topLogprobs: new Float32Array(outputs * topStride),
    topStride,
    logits,
  };
}

/** The result of a step whose arrays the device has filled; `topLogprobs` is what each output asked for. */
export function stepResultOf(asked: readonly number[], flat: FlatResult): StepResult {
  const { topIds, topLogprobs, topStride, logits } = flat;
  return {
    tokens: flat.tokens ?? new Int32Array(0),
    logprobs: flat.logprobs ?? new Float32Array(0),
    top: asked.map((count, i) => {
      const start = i * topStride;
      const end = start + Math.max(count, 0);
      return {
        ids: topIds?.slice(start, end) ?? new Int32Array(0),
        logprobs: topLogprobs?.slice(start, end) ?? new Float32Array(0),
      };
    }),
    ...(logits === undefined ? {} : { logits }),
  };
}
