import { quantizeTargets } from "@kvasir/runtime";
import type { TinyModel } from "@kvasir/tiny-models";

/** Formats that pages may have or that weights have: those that pages do not come in are tried, too. */
export const pageFormats = ["f32", "bf16", "f16", ...quantizeTargets] as const;
export type PageFormat = (typeof pageFormats)[number];

/** What is evicted: nothing, or high norms down to a share. */
export const evictions = ["full", "l2-norm 0.5", "l2-norm 0.25"] as const;
export type Eviction = (typeof evictions)[number];

export const prefixes = ["none", "shared"] as const;
export type Prefix = (typeof prefixes)[number];

/** What one row of the table combines. */
export type CompositionCase = {
  readonly model: TinyModel;
  readonly format: PageFormat;
  readonly eviction: Eviction;
  readonly prefix: Prefix;
};

/** What all others are compared with. */
export const standardCase = {
  model: "tiny",
  format: "f32",
  eviction: "full",
  prefix: "none",
} as const satisfies CompositionCase;

/** Safe tokens: the policy's own defaults, but for layers, so that a share is one of the whole cache. */
export const evictionGuards = { sinks: 0, recent: 64 };

export const budgetOf = (eviction: Eviction): number =>
  eviction === "full" ? 1 : Number(eviction.replace("l2-norm ", ""));

export const caseName = ({ model, format, eviction, prefix }: CompositionCase): string =>
  `${model}, ${eviction}, ${format}, ${prefix === "shared" ? "a shared prefix" : "no shared prefix"}`;
