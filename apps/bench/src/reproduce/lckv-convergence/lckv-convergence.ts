import type { Figure, ReproduceSettings, Section } from "../figure.ts";
import { heldOutName } from "../held-out-text.ts";
import { curveBlocks, equalityBlocks } from "./convergence-blocks.ts";
import { convergenceFindings, type Measured } from "./convergence-findings.ts";
import { convergenceParts, convergenceSizes, curveKey, equalityKey } from "./convergence-parts.ts";
import {
  type ConvergenceResult,
  type CurveResult,
  type EqualityResult,
  plainModels,
  scaledModels,
  trainedModel,
} from "./convergence-result.ts";

/** How fast the passes over a prompt converge, and to what. */
export const lckvConvergence: Figure<ConvergenceResult> = {
  name: "lckv-convergence",
  title: "LCKV: how fast the passes over a prompt converge",
  source: "Wu and Tu 2024 (arXiv 2405.10637), figure 3 and theorem 1",
  parts: (settings) => convergenceParts(settings),
  section(results, settings): Section {
    const curves = measuredCurves(results, settings);
    const equalities = measuredEqualities(results, settings);
    return {
      run: run(settings),
      blocks: [...curveBlocks(curves), ...equalityBlocks(equalities)],
      findings: convergenceFindings(curves, equalities),
      missing: missing(results, settings),
    };
  },
};

const models = [...plainModels, ...scaledModels, trainedModel];

function measuredCurves(
  results: ReadonlyMap<string, ConvergenceResult>,
  settings: ReproduceSettings,
): Measured<CurveResult>[] {
  return models.flatMap((model) => {
    const result = results.get(curveKey(settings, convergenceSizes, model));
    return result?.kind === "curve" ? [{ model, result }] : [];
  });
}

function measuredEqualities(
  results: ReadonlyMap<string, ConvergenceResult>,
  settings: ReproduceSettings,
): Measured<EqualityResult>[] {
  return models.flatMap((model) => {
    const result = results.get(equalityKey(settings, convergenceSizes, model));
    return result?.kind === "equality" ? [{ model, result }] : [];
  });
}

function run(settings: ReproduceSettings): string {
  const { curve, equality } = convergenceSizes;
  const { name, layers, hidden } = settings.shape;
  return (
    `Models of shape ${name} (${layers} layers of width ${hidden}, bf16) with random weights of seed ${settings.seed} over ` +
    `${curve.random} random tokens, and tiny-lckv (8 layers of width 256, trained with 7 + 2 passes in mind on up to 512 tokens) over ` +
    `${curve.trained} tokens of ${heldOutName(settings)}; f32 pages. Random weights are drawn in two ways, since convergence depends on it: all ` +
    "matrices with a deviation of 0.02, as Hugging Face Transformers begins a Llama, and with 1/sqrt(inputs), which keeps activations near 1. " +
    "The passes are written out in one program that keeps the keys and values of each. Sequential encoding is compared over " +
    `${equality.random} and ${equality.trained} tokens. The paper has TinyLlama's shape with random weights, 2,048 tokens of MiniPile and w = 0, 2, 4; the ` +
    "points of its curves are only in the drawing, so no published numbers are shown."
  );
}

function missing(results: ReadonlyMap<string, ConvergenceResult>, settings: ReproduceSettings): string[] {
  const left = convergenceParts(settings).filter(({ key }) => !results.has(key));
  if (left.length === 0) return [];
  const seconds = left.reduce((sum, part) => sum + part.seconds, 0);
  return [
    `${left.map(({ label }) => label).join("; ")}: not run in the time there was, about ${seconds} s more on two cores.`,
  ];
}
