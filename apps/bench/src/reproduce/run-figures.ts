import type { CommandProgress } from "../command-progress.ts";
import type { Clock } from "./clock.ts";
import type { Figure, JsonValue, ReproduceSettings } from "./figure.ts";
import { finiteJson } from "./finite-json.ts";
import { type PlannedPart, planParts } from "./planned-part.ts";
import type { SavedPart } from "./saved-part.ts";
import type { SavedParts } from "./saved-parts.ts";
import { TimeBudget } from "./time-budget.ts";

/** What became of a part: its result, or why there is none. */
export type PartOutcome = PlannedPart &
  (
    | { readonly state: "measured" | "saved"; readonly saved: SavedPart }
    | { readonly state: "out of time" | "interrupted" }
    | { readonly state: "failed"; readonly message: string }
  );

export type RunFiguresOptions = {
  readonly figures: readonly Figure[];
  readonly settings: ReproduceSettings;
  readonly saved: SavedParts;
  /** What the run may take; a part only begins if it is expected to fit. No limit if not given. */
  readonly minutes?: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: CommandProgress) => void;
  /** Of each part that was measured, failed or was given up. */
  readonly onOutcome?: (outcome: PartOutcome) => void;
};

/**
 * Measures the parts of figures that are not saved, by rank. A part that throws has failed, and the others are measured
 * all the same; one that the signal or the end of the time cuts short is given up, and a finished one is kept.
 */
export async function runFigures(options: RunFiguresOptions): Promise<readonly PartOutcome[]> {
  const { figures, settings, saved, minutes, clock, signal, onOutcome } = options;
  const outcomes: PartOutcome[] = [];
  const budget = new TimeBudget(minutes, clock);
  const waiting: PlannedPart[] = [];
  for (const planned of planParts(figures, settings)) {
    const known = saved.find(planned.figure.name, planned.part.key);
    if (known) {
      budget.record(planned.part.seconds, known.seconds);
      outcomes.push({ ...planned, state: "saved", saved: known });
    } else waiting.push(planned);
  }
  let done = 0;
  for (const [i, planned] of waiting.entries()) {
    const { part, figure } = planned;
    if (signal.aborted) {
      outcomes.push({ ...planned, state: "interrupted" });
    } else if (budget.expected(part.seconds) > budget.left) {
      outcomes.push({ ...planned, state: "out of time" });
    } else {
      const total = done + secondsThatFit(waiting.slice(i), budget);
      const onShare = (share: number) =>
        options.onProgress?.({
          done: done + Math.min(1, Math.max(0, share)) * part.seconds,
          total,
          now: `${figure.name}: ${part.label}`,
        });
      const outcome = await measurePart(planned, options, budget, onShare);
      done += part.seconds;
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  }
  return outcomes;
}

/** The estimates of those parts that are likely to be measured. */
function secondsThatFit(waiting: readonly PlannedPart[], budget: TimeBudget): number {
  let left = budget.left;
  let sum = 0;
  for (const { part } of waiting) {
    if (budget.expected(part.seconds) > left) continue;
    left -= budget.expected(part.seconds);
    sum += part.seconds;
  }
  return sum;
}

async function measurePart(
  planned: PlannedPart,
  { settings, saved, clock, signal }: RunFiguresOptions,
  budget: TimeBudget,
  onProgress: (share: number) => void,
): Promise<PartOutcome> {
  const { part, figure } = planned;
  const late = new AbortController();
  const limit = budget.limit(part.seconds);
  const cancel = Number.isFinite(limit)
    ? clock.after(limit, () => late.abort(new Error("out of time")))
    : () => {};
  const begun = clock.now();
  onProgress(0);
  let result: JsonValue;
  try {
    const either = AbortSignal.any([signal, late.signal]);
    result = finiteJson(await part.measure({ settings, signal: either, onProgress }));
  } catch (error) {
    if (signal.aborted) return { ...planned, state: "interrupted" };
    if (late.signal.aborted) return { ...planned, state: "out of time" };
    return { ...planned, state: "failed", message: error instanceof Error ? error.message : String(error) };
  } finally {
    cancel();
  }
  const seconds = clock.now() - begun;
  budget.record(part.seconds, seconds);
  return { ...planned, state: "measured", saved: await saved.add(figure.name, part.key, seconds, result) };
}
