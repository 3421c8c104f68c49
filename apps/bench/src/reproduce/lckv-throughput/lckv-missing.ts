import { totalmem } from "node:os";
import type { ReproduceSettings } from "../figure.ts";
import { shownBytes } from "../show-number.ts";
import type { LckvMeasures } from "./lckv-measures.ts";
import { fitsMemory, lckvParts, neededBytes } from "./lckv-parts.ts";
import type { LckvPlan } from "./lckv-plan.ts";
import type { LckvResult } from "./lckv-results.ts";

/** What was not measured and why. */
export function lckvMissing(
  plan: LckvPlan,
  measures: LckvMeasures,
  results: ReadonlyMap<string, LckvResult>,
  settings: ReproduceSettings,
): string[] {
  const parts = lckvParts(plan, settings);
  const unmeasured = parts.filter(({ key }) => !results.has(key)).map(({ label }) => label);
  const { transformers, rates } = measures;
  return [
    ...(fitsMemory(plan, settings)
      ? []
      : [
          `Throughput of ${settings.shape.name}: not measured: the models and their cache need ${shownBytes(neededBytes(plan, settings))}, this machine has ${shownBytes(totalmem())}.`,
        ]),
    ...unmeasured.map(
      (label) => `Not measured in this run, which had no time for it or was ended: ${label}.`,
    ),
    ...(transformers && "missing" in transformers.run
      ? [`Hugging Face transformers: not measured: ${transformers.run.missing}.`]
      : []),
    ...(rates && rates.rates === null
      ? [`This machine's rates: not measured: ${rates.device} has no native kernels.`]
      : []),
    "A GPU: not measured: no CUDA backend in this version. The paper's rows are those of its cards.",
    "Quality: weights are random here; tables 2 and 3 of the paper are about trained models.",
  ];
}
