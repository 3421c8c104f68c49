import { EngineError, type EngineOptions, fitReport } from "@kvasir/core";
import { fitSummary } from "./fit-text.ts";
import { loadingFailure } from "./loading.ts";

/** The error of loading as it is, or, where memory is to blame, with what the model takes and what would fit. */
export async function withFit(error: unknown, options: EngineOptions): Promise<unknown> {
  if (!isAboutMemory(error)) return error;
  const { memory: _, ...kvCache } = options.kvCache ?? {};
  const { model, weights, policies, stepTokens } = options;
  // What the report itself can not say, the error says already.
  const report = await fitReport({
    model,
    kvCache,
    ...(weights && { weights }),
    ...(policies && { policies }),
    ...(stepTokens && { stepTokens }),
  }).catch(() => undefined);
  if (report === undefined) return error;
  return new Error(`${loadingFailure(error)} (${fitSummary(report)})`, { cause: error });
}

function isAboutMemory(error: unknown): boolean {
  if (error instanceof EngineError && error.param === "kvCache.memory") return true;
  if (!(error instanceof Error)) return false;
  return ("code" in error && error.code === "out-of-memory") || isAboutMemory(error.cause);
}
