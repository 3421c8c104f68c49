import type { Timing } from "../generate-together.ts";
import type { Probe, SideInfo, SideOptions, Work } from "./side.ts";

/**
 * What the process of a comparison asks that of a side, one thing at a time, as messages of `child_process` with
 * its `advanced` serialization. A side computes only between a request and its reply.
 */
export type SideRequests = {
  /** Loads the model, once; the reply's time is that of loading alone: modules and libraries are there before. */
  load: { readonly ask: SideOptions; readonly reply: { readonly ms: number; readonly info: SideInfo } };
  generate: { readonly ask: Work; readonly reply: Timing };
  /** Logits of the whole vocabulary, a row for each place. In place of `load`. */
  logits: {
    readonly ask: { readonly options: SideOptions; readonly probes: readonly Probe[] };
    readonly reply: { readonly info: SideInfo; readonly logits: readonly (readonly Float32Array[])[] };
  };
  /** Bytes of memory that the process had resident at its highest. */
  peakMemory: { readonly ask: undefined; readonly reply: number };
};

export type SideRequestName = keyof SideRequests;
export type SideRequest = {
  readonly [Name in SideRequestName]: { readonly name: Name; readonly ask: SideRequests[Name]["ask"] };
}[SideRequestName];
export type SideReply = { readonly value: unknown } | { readonly error: string };
