export type { LoadProgress } from "@kvasir/runtime";
export type { Embedding, EmbedRequest } from "./embed-request.ts";
export { Engine } from "./engine.ts";
export { EngineError, type EngineErrorCode } from "./engine-error.ts";
export type { EngineEvent, PreemptionWay } from "./engine-event.ts";
export type { EngineOptions, KvCacheOptions, PolicyChoice } from "./engine-options.ts";
export type { EngineInfo, EngineStats } from "./engine-report.ts";
export { type FitOptions, type FitReport, fitReport } from "./fit.ts";
export type { ChatMessage, GenerateRequest, ResponseFormat, Retention } from "./generate-request.ts";
export type {
  CacheReason,
  CacheReport,
  Completion,
  FinishReason,
  GenerateChunk,
  Timings,
  TokenLogprob,
  Usage,
} from "./generation.ts";
export type { ScoredToken, ScoreRequest } from "./score-request.ts";
export { type SessionRefusal, SessionRefused } from "./session/session-refused.ts";
export type {
  FileOptions,
  RestoredSession,
  SavedCache,
  SavedSession,
  SessionName,
  SessionTarget,
} from "./session/session-target.ts";
