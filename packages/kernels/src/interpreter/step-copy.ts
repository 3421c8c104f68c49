import type { Step } from "../step.ts";

/** A step of its own arrays: the caller may write to the ones it gave as soon as `run` has returned. */
export function copyStep({ tokens, sequences, outputs, sampling, returnLogits = false }: Step): Step {
  return {
    tokens: tokens.slice(),
    sequences: sequences.map((sequence) => ({
      ...sequence,
      resident: sequence.resident.slice(),
      pages: sequence.pages.slice(),
      ...(sequence.collect === undefined ? {} : { collect: { ...sequence.collect } }),
    })),
    outputs: outputs.slice(),
    sampling: (sampling ?? []).map((settings) => ({
      ...settings,
      history: settings.history.slice(),
      biasIds: settings.biasIds.slice(),
      biasValues: settings.biasValues.slice(),
      ...(settings.allowed === undefined ? {} : { allowed: settings.allowed.slice() }),
    })),
    returnLogits,
  };
}
