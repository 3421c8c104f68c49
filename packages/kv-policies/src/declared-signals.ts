import { describe, refuseCall } from "./call-checks.ts";
import type { Signal, SignalSet } from "./signals.ts";

/** The signals that a policy declares out of what the engine passed for a head with so many slots. */
export function declaredSignals(
  policy: string,
  signals: readonly Signal[],
  given: Partial<SignalSet>,
  resident: number,
): SignalSet {
  const declared: Partial<Record<Signal, Float32Array>> = {};
  for (const signal of signals) {
    const values = given[signal];
    if (!(values instanceof Float32Array))
      return refuseCall(policy, signal, "a Float32Array", describe(values));
    const perSlot = signal === "keys" || signal === "values" ? values.length / resident : 1;
    if (values.length !== resident * perSlot || !Number.isInteger(perSlot))
      refuseCall(policy, signal, `values for ${resident} slots`, describe(values));
    declared[signal] = values;
  }
  return declared as SignalSet;
}
