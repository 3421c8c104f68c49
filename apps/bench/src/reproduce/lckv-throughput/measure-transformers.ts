import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { PartContext } from "../figure.ts";
import { type Generation, sampledContexts, slotsOf } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { identityMap } from "../layer-maps.ts";
import { type LckvPlan, plannedKvBytes, promptRepetitions } from "./lckv-plan.ts";
import type { TransformersResult } from "./lckv-results.ts";
import { transformersScript } from "./transformers-script.ts";

const run = promisify(execFile);
const python = "python3";
/** To import both libraries, and to measure; milliseconds. */
const [importLimit, runLimit] = [60_000, 600_000];

type Measured = Omit<Exclude<TransformersResult["run"], { missing: string }>, "generation" | "batch">;

/** Measures Hugging Face transformers where `python3` has it and torch; says why where not. */
export async function measureTransformers(plan: LckvPlan, context: PartContext): Promise<TransformersResult> {
  const { settings, signal } = context;
  const { shape, seed } = settings;
  const found = await run(python, ["-c", "import torch, transformers"], { timeout: importLimit, signal })
    .then(() => true)
    .catch(() => false);
  signal.throwIfAborted();
  if (!found) {
    return { kind: "transformers", run: { missing: "python3 with torch and transformers is not installed" } };
  }
  const generation = transformersGeneration(plan);
  const bytesEach = kvBytesPerToken(shape, identityMap(shape.layers), "f16") * slotsOf(generation);
  const batch = Math.max(1, Math.floor(plannedKvBytes(plan, shape) / bytesEach));
  const spec = {
    shape,
    seed,
    batch,
    prompt: generation.prompt,
    prompts: promptRepetitions(plan, generation.prompt),
    contexts: sampledContexts(generation, plan.samples),
    repetitions: plan.repetitions,
    positions: slotsOf(generation) + plan.repetitions + 1,
  };
  try {
    const limits = { timeout: runLimit, signal, maxBuffer: 2 ** 24 };
    const { stdout } = await run(python, ["-c", transformersScript, JSON.stringify(spec)], limits);
    const measured = JSON.parse(stdout) as Measured;
    return { kind: "transformers", run: { ...measured, generation, batch } };
  } catch (error) {
    signal.throwIfAborted();
    const { killed, stderr } = error as { killed?: boolean; stderr?: string };
    const reason = killed
      ? `took more than ${runLimit / 1000} s`
      : (stderr ?? String(error)).trim().slice(-200);
    return { kind: "transformers", run: { missing: `the measurement with transformers failed: ${reason}` } };
  }
}

/** The generation that is measured there: the one whose prompt and steps are both of some length. */
export function transformersGeneration({ generations }: LckvPlan): Generation {
  const { prompt, generated } = generations.find((one) => one.prompt >= 64) ?? generations[0]!;
  return { prompt, generated };
}
