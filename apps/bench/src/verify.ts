import { cpuLevels, type DeviceOptions, loadModel, openDevice } from "@kvasir/runtime";
import { CheckpointRunner } from "./checkpoint-runner.ts";
import { type Recorded, readRecorded } from "./recorded.ts";

/** The largest difference of a logit that passes. */
export const tolerance = 2e-4;

/** One way to run the prompt, compared with what was recorded. */
export type Verification = {
  /** `interpreter`, or the native instruction-set level. */
  readonly backend: string;
  /** Tokens of a chunk. */
  readonly chunk: number;
  /** Passes of a cyclic layer map over a chunk; 1 for others. */
  readonly passes: number;
  readonly largestDifference: number;
  readonly greedyAgrees: boolean;
  /** False where fewer passes than tokens of a chunk make a cyclic map approximate: shown, not judged. */
  readonly exact: boolean;
  readonly passed: boolean;
};

const small = 7;

async function run(
  folder: string,
  options: DeviceOptions,
  chunk: number,
  passes: number | undefined,
): Promise<Verification> {
  using device = openDevice(options);
  using model = await loadModel(folder, { device, ...(passes !== undefined && { passes }) });
  const recorded = await readRecorded(folder, model.vocabSize);
  const { prompt, greedy } = recorded;
  const cyclic = model.layerMap.groups.length > 0;
  const used = cyclic ? (passes ?? model.config.passes) : 1;
  const rows = Math.min(chunk, prompt.length);
  using runner = new CheckpointRunner(model, prompt.length + greedy.length);
  const { largestDifference, next } = await comparePrompt(runner, recorded, rows, model.vocabSize);
  const greedyAgrees = await compareGreedy(runner, greedy, next);
  const exact = !cyclic || used >= rows;
  return {
    backend: options.backend === "interpreter" ? "interpreter" : (options.cpu ?? "native"),
    chunk: rows,
    passes: used,
    largestDifference,
    greedyAgrees,
    exact,
    passed: !exact || (largestDifference < tolerance && greedyAgrees),
  };
}

async function comparePrompt(runner: CheckpointRunner, recorded: Recorded, chunk: number, vocabSize: number) {
  let largestDifference = 0;
  let next = 0;
  for (let start = 0; start < recorded.prompt.length; start += chunk) {
    const logits = await runner.logits(recorded.prompt.subarray(start, start + chunk));
    const expected = recorded.logits.subarray(start * vocabSize, start * vocabSize + logits.length);
    logits.forEach((logit, i) => {
      const difference = Math.abs(logit - expected[i]!);
      // A NaN differs from everything, and must not pass as no difference.
      largestDifference = Number.isNaN(difference) ? Infinity : Math.max(largestDifference, difference);
    });
    next = argmax(logits.subarray(logits.length - vocabSize));
  }
  return { largestDifference, next };
}

async function compareGreedy(
  runner: CheckpointRunner,
  greedy: readonly number[],
  first: number,
): Promise<boolean> {
  let next = first;
  for (const [index, id] of greedy.entries()) {
    if (next !== id) return false;
    if (index < greedy.length - 1) next = argmax(await runner.logits(Int32Array.of(id)));
  }
  return true;
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

export type VerifyOptions = {
  /** Every level of this machine and the interpreter, instead of `device` alone. */
  readonly all: boolean;
  readonly device: DeviceOptions;
};

/**
 * Runs the recorded prompt at once and in chunks of 7, and for cyclic layer maps also with the checkpoint's own
 * number of passes, and compares logits and greedy ids with those recorded.
 */
export async function* verify(folder: string, { all, device }: VerifyOptions): AsyncGenerator<Verification> {
  const backends: DeviceOptions[] = all
    ? [
        ...cpuLevels().map((cpu) => ({ ...device, backend: "native" as const, cpu })),
        { backend: "interpreter" },
      ]
    : [device];
  for (const backend of backends) {
    const whole = await run(folder, backend, Number.MAX_SAFE_INTEGER, undefined);
    yield whole;
    if (!whole.exact) yield await run(folder, backend, Number.MAX_SAFE_INTEGER, whole.chunk);
    yield await run(folder, backend, small, whole.passes > 1 ? Math.max(small, whole.passes) : undefined);
  }
}
