export { benchProgram } from "./bench-program.ts";
export { DisagreementError } from "./compare/check-agreement.ts";
export { type CompareOptions, compare } from "./compare/compare.ts";
export type { Comparison, ComparisonRow } from "./compare/comparison.ts";
export type { Agreement } from "./compare/divergence.ts";
export { findPeer } from "./compare/find-peer.ts";
export { type Lengths, type MeasureName, measureNames } from "./compare/measure.ts";
export type { ModelFacts } from "./compare/model-facts.ts";
export type { KvasirSideOptions, LlamaSideOptions, SideInfo } from "./compare/side.ts";
export type { Conditions } from "./conditions.ts";
export {
  type EvictionSpeedOptions,
  type EvictionSpeedReport,
  type EvictionSpeedRow,
  evictionSpeed,
} from "./eviction-speed/eviction-speed.ts";
export { type NewPolicyOptions, newPolicy } from "./new-policy/new-policy.ts";
export type { Estimate } from "./quality/estimate.ts";
export { qualityHtml } from "./quality/html/quality-html.ts";
export { type NeedleTask, needleTasks } from "./quality/needle-prompt.ts";
export type { Comparison as PairedComparison, Verdict } from "./quality/paired.ts";
export { type QualityOptions, type QualityProgress, quality } from "./quality/quality.ts";
export type { NeedleCell, QualityReport, QualityRow } from "./quality/quality-report.ts";
export { defaultSettings, type QualitySettings } from "./quality/quality-settings.ts";
export { qualityText } from "./quality/quality-text.ts";
export type { Block, Figure, Section } from "./reproduce/figure.ts";
export type { FigureReport, PartReport, ReproduceReport } from "./reproduce/report/reproduce-report.ts";
export {
  type KernelShare,
  type MachineRates,
  type Roofline,
  type RooflineOptions,
  roofline,
} from "./roofline/roofline.ts";
export { CacheClaimError } from "./serve/cache-claim.ts";
export { type CompareServersOptions, compareServers } from "./serve/compare/compare-servers.ts";
export type { ServerComparison, ServerRow } from "./serve/compare/server-comparison.ts";
export { loadHtml } from "./serve/html/load-html.ts";
export {
  defaultLoadSettings,
  type LatencyName,
  type LoadSettings,
  type Pace,
  type WorkloadName,
  type WorkloadSettings,
} from "./serve/load-settings.ts";
export { type MeasureServerOptions, measureServer } from "./serve/measure-server.ts";
export type { Latencies } from "./serve/report/latencies.ts";
export type { LoadReport } from "./serve/report/load-report.ts";
export { loadText } from "./serve/report/load-text.ts";
export type { Percentiles } from "./serve/report/percentiles.ts";
export {
  type SharedPrefixOptions,
  type SharedPrefixReport,
  type SharedPrefixRow,
  sharedPrefix,
} from "./shared-prefix/shared-prefix.ts";
export type { Spread } from "./spread.ts";
export type { SynthesizedType } from "./synthesize/encode-numbers.ts";
export { type ModelShapeName, modelShapeNames } from "./synthesize/model-shape.ts";
export { type SynthesizeOptions, synthesize } from "./synthesize/synthesize.ts";
export {
  type ThroughputOptions,
  type ThroughputReport,
  type ThroughputRow,
  throughput,
} from "./throughput.ts";
export type { Limits } from "./tune/search.ts";
export { type TuneOptions, tune } from "./tune/tune.ts";
export type { Rise, TunePoint, TuneReport } from "./tune/tune-report.ts";
export { defaultTuneSettings, type TuneSettings } from "./tune/tune-settings.ts";
export { tuneText } from "./tune/tune-text.ts";
export { type Verification, type VerifyOptions, verify } from "./verify.ts";
