import type { EngineEvent } from "@kvasir/core";
import type { Logger } from "pino";

/** Writes a line for each preemption and for each request that goes on after one. */
export function logEvent(logger: Logger, event: EngineEvent): void {
  if (event.type === "preempted") {
    const { id, way, tokens, kvUsage, preemptions } = event;
    logger.info({ id, way, tokens, kvUsage, preemptions }, "preempted");
  } else if (event.type === "resumed") {
    const { id, way, tokens } = event;
    logger.info({ id, way, tokens }, "resumed");
  }
}
