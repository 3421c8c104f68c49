import {
  type CurveResult,
  type EqualityResult,
  type MeasuredModel,
  negligible,
  passBelow,
  passesWithin,
} from "./convergence-result.ts";

export type Measured<R> = { readonly model: MeasuredModel; readonly result: R };

/** `m + b`: the passes that the paper reads prompts with. */
const publishedPasses = 9;
/** What parallel and sequential encoding may differ by and still be called equal. */
const equal = 1e-4;

/** Sentences about where the curves end, in which order, and whether both ways to encode a prompt meet. */
export function convergenceFindings(
  curves: readonly Measured<CurveResult>[],
  equalities: readonly Measured<EqualityResult>[],
): string[] {
  return [
    ...curves.map(curveFinding),
    ...warmupFindings(curves),
    ...trainingFinding(curves),
    ...equalities.flatMap(equalityFindings),
  ];
}

const share = (value: number): string => value.toExponential(1);

function curveFinding({ model, result }: Measured<CurveResult>): string {
  const { changes } = result;
  const below = passBelow(result, negligible);
  const limit = `${share(negligible)} of the first change`;
  const atPublished = changes[publishedPasses - 1];
  const ninth =
    atPublished === undefined
      ? ""
      : ` Pass ${publishedPasses}, the last one of the paper's prompts, changes ${share(atPublished / changes[0]!)} of the first.`;
  if (below === undefined) {
    const last = changes.at(-1)! / changes[0]!;
    return `${model.name}: the change does not fall below ${limit} in ${changes.length} passes; the last is ${share(last)} of the first.${ninth}`;
  }
  const within =
    below <= publishedPasses
      ? `, within the ${publishedPasses} passes that the paper reads prompts with`
      : "";
  return `${model.name}: the change falls below ${limit} in pass ${below}${within}.${ninth}`;
}

/** Whether more warm-up layers converge faster, as the paper says, for models that are otherwise the same. */
function warmupFindings(curves: readonly Measured<CurveResult>[]): string[] {
  const deviations = new Set(
    curves.filter(({ model }) => !model.trained).map(({ model }) => model.deviation),
  );
  return [...deviations].flatMap((deviation) => {
    const alike = curves
      .filter(({ model }) => !model.trained && model.deviation === deviation)
      .sort((a, b) => a.model.warmup - b.model.warmup);
    if (alike.length < 2) return [];
    const pass = Math.min(publishedPasses, ...alike.map(({ result }) => result.changes.length));
    const shares = alike.map(({ result: { changes } }) => changes[pass - 1]! / changes[0]!);
    const isFaster = shares.every((value, i) => i === 0 || value < shares[i - 1]!);
    const order = alike.map(({ model }, i) => `${share(shares[i]!)} with w = ${model.warmup}`).join(", ");
    const name = alike[0]!.model.name.replace(/, w = .*/, "");
    return [
      `${name}: after ${pass} passes the change is ${order} of the first. More warm-up layers ` +
        (isFaster
          ? "converge faster, as the paper says."
          : "do not converge faster in every case here; the paper says they do."),
    ];
  });
}

/** Whether the trained model needs fewer passes than random ones with as many warm-up layers, as the paper says. */
function trainingFinding(curves: readonly Measured<CurveResult>[]): string[] {
  const trained = curves.find(({ model }) => model.trained);
  if (!trained) return [];
  return curves
    .filter(({ model }) => !model.trained && model.warmup === trained.model.warmup)
    .map(({ model, result }) => {
      const [ours, theirs] = [passBelow(trained.result, negligible), passBelow(result, negligible)];
      const claim =
        "the paper's figures 9 and 10 show far fewer passes for a trained model than for a random one";
      const counts = `${ours ?? `more than ${trained.result.changes.length}`} passes against ${theirs ?? `more than ${result.changes.length}`}`;
      const isFewer =
        ours !== undefined && (theirs === undefined ? ours <= result.changes.length : ours < theirs);
      return isFewer
        ? `${trained.model.name} needs fewer passes than ${model.name} (${counts}); ${claim}.`
        : `${trained.model.name} does not need fewer passes than ${model.name} (${counts}), but ${claim}: there the two had one shape, here the trained model has 8 layers of width 256, and how far a random one mixes its tokens depends on how its weights are drawn.`;
    });
}

function equalityFindings({ model, result }: Measured<EqualityResult>): string[] {
  const { kv, logits, tokens } = result;
  const from = passesWithin(kv, equal);
  const reached =
    from === undefined
      ? `do not come within ${share(equal)} in ${kv.length} passes (the last: ${share(kv.at(-1)!)})`
      : `are within ${share(equal)} from pass ${from} on, after ${kv.length} within ${share(kv.at(-1)!)}`;
  const logitsFrom = logits.find(({ difference }) => difference <= equal);
  const last = logits.at(-1);
  const logitText =
    last === undefined
      ? ""
      : logitsFrom === undefined
        ? ` Logits do not come that near in ${last.passes} (${share(last.difference)}).`
        : ` Logits are with ${logitsFrom.passes} passes (${share(logitsFrom.difference)}).`;
  const published = logits.find(({ passes }) => passes === publishedPasses);
  const nine = published
    ? ` With the paper's ${publishedPasses} they differ by ${share(published.difference)}.`
    : "";
  const verdict =
    from !== undefined && logitsFrom !== undefined
      ? " Parallel encoding with enough passes equals sequential encoding, as theorem 1 has it."
      : ` Theorem 1 makes both exact after ${tokens} passes, as many as tokens; that many were not run.`;
  return [
    `${model.name}, ${tokens} tokens encoded in parallel and one by one: keys and values ${reached}.${logitText}${nine}${verdict}`,
  ];
}
