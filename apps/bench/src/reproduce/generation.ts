/** A prompt and what is generated after it, in tokens: the papers' `512+1024`. */
export type Generation = { readonly prompt: number; readonly generated: number };

/** A decoding step that was timed, with so many tokens before it. */
export type SampledStep = { readonly context: number; readonly ms: number };

/** As the papers write it. */
export function generationText({ prompt, generated }: Generation): string {
  return `${prompt}+${generated}`;
}

/** Slots of one sequence. */
export function slotsOf({ prompt, generated }: Generation): number {
  return prompt + generated;
}

/**
 * Lengths at which the steps of a generation are sampled: evenly from its first step to its last. A prompt gives the
 * first token, so that `generated - 1` steps follow. Fewer where there are not as many steps.
 */
export function sampledContexts({ prompt, generated }: Generation, samples: number): number[] {
  const last = Math.max(0, generated - 2);
  const contexts = Array.from(
    { length: samples },
    (_, i) => prompt + Math.round((i * last) / Math.max(1, samples - 1)),
  );
  return [...new Set(contexts)];
}

/** Milliseconds of all steps of a generation, each by the line between the sampled steps around it. */
export function decodingMs({ prompt, generated }: Generation, samples: readonly SampledStep[]): number {
  if (samples.length === 0) throw new RangeError("samples: expected one or more, received none");
  let [sum, at] = [0, 0];
  for (let context = prompt; context < prompt + generated - 1; context++) {
    while (at + 2 < samples.length && samples[at + 1]!.context < context) at++;
    const [below, above] = [samples[at]!, samples[at + 1]];
    const slope = above ? (above.ms - below.ms) / (above.context - below.context) : 0;
    sum += below.ms + slope * (context - below.context);
  }
  return sum;
}

/** Milliseconds of a step with so many tokens before it, one for each repetition. */
export type ContextTimes = { readonly context: number; readonly ms: readonly number[] };

/** {@link decodingMs} of each repetition. */
export function sampledMs(generation: Generation, steps: readonly ContextTimes[]): number[] {
  return (steps[0]?.ms ?? []).map((_, repetition) =>
    decodingMs(
      generation,
      steps.map(({ context, ms }) => ({ context, ms: ms[repetition]! })),
    ),
  );
}

/** What a batch of generations took, milliseconds. */
export type BatchTimes = {
  readonly batch: number;
  /** Of one sequence's prompt; prompts are encoded one after the other. */
  readonly promptMs: number;
  /** Of all decoding steps. */
  readonly stepsMs: number;
};

/** Generated tokens a second, all sequences together, prompts included: `b * n / t` of Wu and Tu 2024. */
export function throughputOf({ generated }: Generation, { batch, promptMs, stepsMs }: BatchTimes): number {
  return (batch * generated * 1000) / (batch * promptMs + stepsMs);
}
