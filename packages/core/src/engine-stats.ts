import type { EngineLoop } from "./engine-loop.ts";
import type { EngineStats } from "./engine-report.ts";
import type { LoadedEngine } from "./load-engine.ts";

/** What is going on now. */
export function engineStats({ pool, memory, model }: LoadedEngine, loop: EngineLoop): EngineStats {
  const { running, waiting, waitingTokens, paused, counts, cache, ownedPages } = loop;
  const heads = model.kvLayers * model.kvHeads;
  const perHead = ([name, slots]: [string, number]) => [name, slots / heads] as const;
  return {
    running: running.length,
    waiting,
    waitingTokens,
    paused,
    freePages: pool.freePages,
    usedPages: ownedPages,
    cachedPages: cache.cachedPages,
    kvBytes: ownedPages * memory.pageBytes,
    peakKvBytes: counts.peakPages * memory.pageBytes,
    logicalTokens: running.reduce((sum, { logical }) => sum + logical, 0),
    residentTokens: running.reduce((sum, { residentSlots }) => sum + residentSlots, 0) / heads,
    signalBytes: running.reduce((sum, { queries }) => sum + (queries?.bytes ?? 0), 0),
    evictedSlots: counts.evictedSlots,
    evictedTokensByPolicy: Object.fromEntries(Object.entries(counts.evictedSlotsByPolicy).map(perHead)),
    freedPagesByPolicy: { ...counts.freedPagesByPolicy },
    steps: counts.steps,
    promptTokens: counts.promptTokens,
    generatedTokens: counts.generatedTokens,
    scoredTokens: counts.scoredTokens,
    recomputedTokens: counts.recomputedTokens,
    prefixQueryTokens: cache.queryTokens,
    prefixHitTokens: cache.hitTokens,
    preemptions: { ...counts.preemptions },
    sessions: loop.sessions.size,
    hostBytes: loop.parking.bytes("host"),
    spillBytes: loop.parking.bytes("file"),
    lastTick: counts.lastTick,
  };
}
