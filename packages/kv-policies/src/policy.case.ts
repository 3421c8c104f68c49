import { type ActingPart, type ActingParts, actingParts } from "./acting-parts.ts";
import { createPolicy } from "./create-policy.ts";
import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import type { PolicyOptions } from "./options.ts";
import { goesByLayer } from "./parts-fault.ts";
import type { Place, Policy, PolicyEnvironment, SelectQuery } from "./policy.ts";
import type { SignalKind } from "./sample-signals.ts";
import { SIGNALS } from "./signals.ts";
import { allocationOf, signalsOfHead, simulatedRequest } from "./simulated-request.ts";
import { timeSlices } from "./time-slices.ts";

/** One property that every policy must have. */
export interface PolicyCheck {
  readonly name: string;
  /** Throws or rejects with an Error that says what went wrong. Of no consequence for other checks. */
  run(): void | Promise<void>;
}

const environment: PolicyEnvironment = { layers: 4, heads: 2, pageTokens: 4, signals: SIGNALS };
const lengths = [1, 2, 4, 5, 17, 64, 200];
const kinds: readonly SignalKind[] = ["random", "equal", "zero", "huge"];

/** Options to try: the policy's own defaults, then common ones. A policy that keeps everything takes none. */
const settings: readonly PolicyOptions[] = [
  {},
  { budget: 0.5, sinks: 0, recent: 0, minTokens: 0, protectLayers: [] },
  { budget: 0.1, sinks: 4, recent: 8, minTokens: 0, protectLayers: [-1] },
  { budget: 16, sinks: 2, recent: 1, minTokens: 0, protectLayers: [0] },
  { budget: 40, sinks: 4, recent: 32, minTokens: 40, protectLayers: [] },
  { budget: 0.3, sinks: 1, recent: 3, minTokens: 30, protectLayers: [1, 2], prefill: "chunk", decode: false },
];

/**
 * The conformance suite of eviction policies: checks that a policy must pass before a server can trust it. Register
 * each with the test runner at hand: `for (const { name, run } of policyChecks(myPolicy)) it(name, run)`.
 *
 * @param own values for the policy's own parameters; its defaults unless told
 */
export function policyChecks(definition: PolicyDefinition, own: PolicyOptions = {}): readonly PolicyCheck[] {
  const create = (common: PolicyOptions): Policy[] => {
    try {
      return [createPolicy(definition, { ...common, ...own }, environment)];
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      // Some take no common options, and some no eviction inside a prompt: they say so, and that is right.
      const isRefused = error.code === "UNKNOWN_OPTION" || error.field === "prefill";
      if (isRefused && Object.keys(common).length > 0) return [];
      throw error;
    }
  };
  const policies = () => settings.flatMap(create);
  const { layers, heads: width, pageTokens } = environment;
  const actingOf = new WeakMap<Policy, ActingParts>();
  /** What chooses slots at a place. */
  const actingAt = (policy: Policy, { layer, phase }: Place): ActingPart => {
    const bound = definition.forLayers?.(layers) ?? definition;
    const parts = actingOf.get(policy) ?? actingParts(bound, policy.options, layers);
    actingOf.set(policy, parts);
    return parts[phase][layer]!;
  };

  type Visit = (policy: Policy, query: SelectQuery, where: string) => void;
  /** Every policy with every length, phase, kind of signals, layer and head; `seen` may be more than `resident`. */
  const forEachQuery = async (visit: Visit) => {
    const nextSlice = timeSlices();
    for (const policy of policies()) {
      const options = JSON.stringify(policy.options);
      for (const resident of lengths) {
        for (const kind of kinds) {
          const allocation = await allocationOf(policy, kind, resident);
          for (const [layer, head, seen, phase] of [
            [0, 0, resident, "prefill"],
            [1, 1, resident, "prefill"],
            [2, 1, resident + 9, "decode"],
            [3, 0, resident, "decode"],
          ] as const) {
            const state = { layer, head, resident, seen, phase };
            const index = layer * width + head;
            const settled = { share: allocation.shares[index]!, profile: allocation.profile[index]! };
            const signals = signalsOfHead(policy, kind, state);
            const where = `${resident} slots, ${kind} signals, layer ${layer}, ${phase}, options ${options}`;
            visit(policy, { ...state, ...settled, signals }, where);
            await nextSlice();
          }
        }
      }
    }
  };

  /** Every policy through whole requests. */
  const forEachRequest = async (visit: (policy: Policy, size: RequestLengths) => Promise<void>) => {
    for (const policy of policies())
      for (const prompt of [1, 50, 130]) await visit(policy, { prompt, maxNew: 60, chunk: 16 });
  };

  return [
    {
      name: "keeps slots that are there, in ascending order, each once",
      run: () =>
        forEachQuery((policy, query, where) => {
          const kept = policy.select(query);
          kept.forEach((slot, j) => {
            const isAscending = j === 0 || slot > kept[j - 1]!;
            expect(slot >= 0 && slot < query.resident && isAscending, () => `${where}: slot ${slot} at ${j}`);
          });
        }),
    },
    {
      name: "keeps its budget (at most, where it chooses for itself), and at least what is guarded",
      run: () =>
        forEachQuery((policy, query, where) => {
          const { evicts, definition: part } = actingAt(policy, query);
          if (!evicts) return;
          const budget = policy.budget(query);
          const kept = policy.select(query).length;
          const expected = Math.min(budget, query.resident);
          const isRight = part.score ? kept === expected : kept <= expected;
          expect(isRight, () => `${where}: kept ${kept} slots with a budget of ${budget}`);
          const { minTokens } = policy.options;
          const least = Math.min(query.resident, Math.max(minTokens, pageTokens));
          expect(kept >= least, () => `${where}: kept ${kept} slots, fewer than ${least}`);
        }),
    },
    {
      name: "keeps everything where it does not evict, or is asked within its budget",
      run: () =>
        forEachQuery((policy, query, where) => {
          const { evicts, definition: part } = actingAt(policy, query);
          const isWithin = query.resident <= policy.budget(query) && !part.sizesItself;
          if (evicts && !isWithin) return;
          expect(policy.select(query).length === query.resident, () => `${where}: dropped slots`);
        }),
    },
    {
      name: "keeps the sinks, the recent slots and the newest",
      run: () =>
        forEachQuery((policy, query, where) => {
          const kept = new Set(policy.select(query));
          const { sinks } = policy.options;
          const recent = Math.max(policy.options.recent, 1);
          for (let slot = 0; slot < query.resident; slot++) {
            const isGuarded = slot < sinks || slot >= query.resident - recent;
            expect(!isGuarded || kept.has(slot), () => `${where}: dropped guarded slot ${slot}`);
          }
        }),
    },
    {
      name: "keeps the same slots when asked again, whatever it was asked in between",
      run: async () => {
        const first: string[] = [];
        await forEachQuery((policy, query) => first.push(String(policy.select(query))));
        let i = 0;
        await forEachQuery((policy, query, where) => {
          expect(String(policy.select(query)) === first[i++], () => `${where}: other slots the second time`);
          expect(String(policy.select(query)) === first[i - 1], () => `${where}: other slots the third time`);
        });
      },
    },
    {
      name: "leaves the signals as they are",
      run: () =>
        forEachQuery((policy, query, where) => {
          const before = Object.values(query.signals).map(String).join();
          policy.select(query);
          expect(
            Object.values(query.signals).map(String).join() === before,
            () => `${where}: signals were modified`,
          );
        }),
    },
    {
      name: "keeps the same slots in all heads of a layer that share their attention",
      run: () =>
        forEachQuery((policy, query, where) => {
          if (!goesByLayer(actingAt(policy, query).own)) return;
          const choices = [0, 1].map((head) => String(policy.select({ ...query, head })));
          expect(choices[0] === choices[1], () => `${where}: other slots in another head`);
        }),
    },
    {
      name: "divides its budget, and no more than that, and profiles heads the same way each time",
      run: async () => {
        for (const policy of policies()) {
          for (const kind of kinds) {
            const { shares, profile } = await allocationOf(policy, kind, 200);
            const again = await allocationOf(policy, kind, 200);
            expect(String(again.shares) === String(shares), () => "other shares the second time");
            expect(String(again.profile) === String(profile), () => "another profile the second time");
            const unprotected = [...shares].filter(
              (_, i) => !policy.options.protectLayers.includes(Math.floor(i / width)),
            );
            const mean = unprotected.reduce((sum, share) => sum + share, 0) / unprotected.length;
            const isWhole = shares.length === layers * width && profile.length === layers * width;
            expect(isWhole && Math.abs(mean - 1) < 1e-3, () => `shares have a mean of ${mean}`);
          }
        }
      },
    },
    {
      name: "stays within the number of slots that it announces, through prompt and decoding",
      run: () =>
        forEachRequest(async (policy, size) => {
          for await (const { phase, seen, heads, shares, added } of simulatedRequest(
            policy,
            environment,
            size,
          )) {
            heads.forEach(({ layer, resident }, i) => {
              const known = shares ?? (policy.allocates ? undefined : new Float32Array(heads.length).fill(1));
              const bound = policy.maximumResident({ layer, ...size, ...(known && { share: known[i]! }) });
              const isPrompt = phase === "prefill" && (added || seen < size.prompt);
              const limit = isPrompt ? bound.prefill : bound.decode;
              expect(
                resident <= limit,
                () => `${resident} slots after ${seen} tokens in layer ${layer}, announced ${limit}`,
              );
            });
          }
        }),
    },
    {
      name: "evicts from few heads in each step while decoding, and never in vain",
      run: () =>
        forEachRequest(async (policy, size) => {
          for await (const { phase, seen, heads, added } of simulatedRequest(policy, environment, size)) {
            if (added) continue;
            const due = heads.filter((head) => head.due !== undefined);
            for (const { layer, resident, due: before } of due) {
              const isCut = resident < before! || actingAt(policy, { layer, phase }).definition.sizesItself;
              expect(isCut, () => `was over its budget with ${before} slots and kept ${resident}`);
            }
            if (phase === "prefill") continue;
            const byLayer = due.filter((head) => goesByLayer(actingAt(policy, { ...head, phase }).own));
            const together = new Set(byLayer.map(({ layer }) => layer)).size;
            const alone = due.length - byLayer.length;
            const isFew =
              alone <= Math.ceil(heads.length / pageTokens) && together <= Math.ceil(layers / pageTokens);
            expect(
              isFew,
              () => `evicted from ${alone} heads and ${together} whole layers after token ${seen}`,
            );
          }
        }),
    },
    {
      name: "frees slots at the prompt's end, where it sizes itself",
      run: async () => {
        const common = { sinks: 2, recent: 4, minTokens: 0, protectLayers: [] };
        for (const policy of create(common)) {
          if (!actingAt(policy, { layer: 0, phase: "prefill" }).definition.sizesItself) return;
          const prompt = 600;
          const all = prompt * layers * width;
          const size = { prompt, maxNew: 0, chunk: prompt };
          let kept = all;
          // One that goes by attention may be right to keep everything where attention is spread.
          for (const kind of kinds)
            for await (const { heads, added } of simulatedRequest(policy, environment, size, kind))
              if (!added)
                kept = Math.min(
                  kept,
                  heads.reduce((sum, { resident }) => sum + resident, 0),
                );
          expect(kept < all, () => `kept all ${kept} slots of a prompt of ${prompt} tokens`);
        }
      },
    },
  ];
}

type RequestLengths = { readonly prompt: number; readonly maxNew: number; readonly chunk: number };

function expect(holds: boolean, otherwise: () => string): void {
  if (!holds) throw new Error(otherwise());
}
