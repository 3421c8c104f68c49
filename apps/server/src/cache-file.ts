import { existsSync } from "node:fs";
import type { Logger } from "pino";
import { toApiError } from "./engine-failure.ts";
import type { EngineLike } from "./engine-like.ts";

/** Fills an engine's cache from a file. Where there is none, or the engine refuses it, the cache stays empty. */
export async function loadCacheFile(engine: EngineLike, file: string, logger: Logger): Promise<void> {
  if (!existsSync(file)) return;
  try {
    const loaded = await engine.loadCache(file);
    logger.info({ file, ...loaded }, "loaded the cache");
  } catch (error) {
    logger.warn({ file, code: toApiError(error).code, reason: reasonOf(error) }, "did not load the cache");
  }
}

/** Leaves an engine's cache in a file for the next start. A failure is only logged: it ends no server. */
export async function saveCacheFile(engine: EngineLike, file: string, logger: Logger): Promise<void> {
  try {
    const saved = await engine.saveCache(file);
    logger.info({ file, ...saved }, "saved the cache");
  } catch (error) {
    logger.error({ file, reason: reasonOf(error) }, "did not save the cache");
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
