import type { Phase } from "./definition.ts";
import { goesByLayer } from "./parts-fault.ts";
import type { Allocation, Policy, PolicyEnvironment } from "./policy.ts";
import { makeSignals, type SignalKind } from "./sample-signals.ts";
import type { SignalSet } from "./signals.ts";
import { timeSlices } from "./time-slices.ts";

/** Made-up signals of a head, the same for all heads of a layer where those share their attention. */
export function signalsOfHead(
  policy: Policy,
  kind: SignalKind,
  head: {
    readonly layer: number;
    readonly head: number;
    readonly resident: number;
    readonly seen: number;
    readonly phase: Phase;
  },
): Partial<SignalSet> {
  const needs = policy.needs(head);
  const seed = head.layer * 10 + (goesByLayer(needs) ? 0 : head.head);
  return makeSignals(needs.signals, kind, head.resident, seed, head.seen);
}

/** What a policy settles for a request of which nothing was evicted. */
export function allocationOf(policy: Policy, kind: SignalKind, seen: number): Promise<Allocation> {
  return policy.allocate({
    seen,
    resident: () => seen,
    signals: async (layer, head) =>
      signalsOfHead(policy, kind, { layer, head, resident: seen, seen, phase: "prefill" }),
  });
}

/** One head on its way through a request. */
export interface SimulatedHead {
  readonly layer: number;
  readonly head: number;
  resident: number;
  kept?: number;
  /** Slots before its last eviction was asked for; undefined if it was not due after the last token. */
  due: number | undefined;
}

/** A step of a simulated request: tokens were added and evictions made. */
export interface SimulatedStep {
  readonly phase: Phase;
  readonly seen: number;
  /** `[layers * heads]`. While `added`, before evictions. */
  readonly heads: readonly SimulatedHead[];
  readonly shares: Float32Array | undefined;
  readonly added: boolean;
}

/**
 * Goes through a request as an engine does, on all heads: a prompt in chunks, then token by token, evicting whenever
 * the policy says so. Yields after tokens were added, and after evictions.
 */
export async function* simulatedRequest(
  policy: Policy,
  { layers, heads: width }: PolicyEnvironment,
  { prompt, maxNew, chunk }: { readonly prompt: number; readonly maxNew: number; readonly chunk: number },
  kind: SignalKind = "random",
): AsyncGenerator<SimulatedStep> {
  const heads: SimulatedHead[] = Array.from({ length: layers * width }, (_, i) => ({
    layer: Math.floor(i / width),
    head: i % width,
    resident: 0,
    due: undefined,
  }));
  let allocation: Allocation | undefined;
  const nextSlice = timeSlices();
  for (let seen = 0; seen < prompt + maxNew; ) {
    const phase = seen < prompt ? "prefill" : "decode";
    const tokens = phase === "prefill" ? Math.min(chunk, prompt - seen) : 1;
    seen += tokens;
    for (const head of heads) head.resident += tokens;
    yield { phase, seen, heads, shares: allocation?.shares, added: true };
    if (phase === "prefill" && policy.options.prefill === "end" && seen < prompt) continue;
    if (policy.allocates) allocation ??= await allocationOf(policy, kind, seen);
    for (const [i, head] of heads.entries()) {
      const settled = allocation && { share: allocation.shares[i]!, profile: allocation.profile[i]! };
      const state = { ...head, seen, phase, ...settled } as const;
      const isDue = policy.overBudget(state);
      head.due = isDue ? head.resident : undefined;
      if (!isDue) continue;
      const signals = signalsOfHead(policy, kind, state);
      head.kept = policy.select({ ...state, signals }).length;
      head.resident = head.kept;
      await nextSlice();
    }
    yield { phase, seen, heads, shares: allocation?.shares, added: false };
  }
}
