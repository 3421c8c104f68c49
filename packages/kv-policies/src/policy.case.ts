import { createPolicy } from "./create-policy.ts";
import type { PolicyDefinition } from "./definition.ts";
import type { PolicyOptions } from "./options.ts";
import type { Policy, PolicyEnvironment, SelectQuery } from "./policy.ts";
import { makeSignals, type SignalKind } from "./sample-signals.ts";
import { SIGNALS, type SignalSet } from "./signals.ts";

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
  const evicts = definition.score !== undefined || definition.select !== undefined;
  const policies = () => {
    const options = evicts ? settings : [{}];
    return options.map((common) => createPolicy(definition, { ...common, ...own }, environment));
  };

  /** Every policy with every length, kind of signals, layer and head; `seen` may be more than `resident`. */
  const forEachQuery = (visit: (policy: Policy, query: SelectQuery, where: string) => void) => {
    for (const policy of policies()) {
      for (const resident of lengths) {
        for (const kind of kinds) {
          for (const [layer, head, seen] of [
            [0, 0, resident],
            [2, 1, resident + 9],
            [3, 0, resident],
          ] as const) {
            const signals = makeSignals(policy.signals, kind, resident, layer * 10 + head);
            const where = `${resident} slots, ${kind} signals, layer ${layer}, options ${JSON.stringify(policy.options)}`;
            visit(policy, { layer, head, resident, seen, phase: "prefill", signals }, where);
          }
        }
      }
    }
  };

  return [
    {
      name: "keeps slots that are there, in ascending order, each once",
      run: () =>
        forEachQuery((policy, query, where) => {
          const kept = policy.select(query);
          kept.forEach((slot, j) => {
            const isAscending = j === 0 || slot > kept[j - 1]!;
            expect(slot >= 0 && slot < query.resident && isAscending, `${where}: slot ${slot} at ${j}`);
          });
        }),
    },
    {
      name: definition.select
        ? "keeps at most its budget, and at least what is guarded"
        : "keeps exactly its budget",
      run: () =>
        forEachQuery((policy, query, where) => {
          const budget = policy.budget(query);
          const kept = policy.select(query).length;
          const expected = Math.min(budget, query.resident);
          const isRight = definition.select ? kept <= expected : kept === expected;
          expect(isRight, `${where}: kept ${kept} slots with a budget of ${budget}`);
          const { minTokens } = policy.options;
          const least = Math.min(query.resident, Math.max(minTokens, environment.pageTokens));
          expect(kept >= least, `${where}: kept ${kept} slots, fewer than ${least}`);
        }),
    },
    {
      name: "keeps everything while a head is within its budget, and in protected layers",
      run: () =>
        forEachQuery((policy, query, where) => {
          const isProtected = policy.options.protectLayers.includes(query.layer);
          if (!isProtected && query.resident > policy.budget(query)) return;
          expect(policy.select(query).length === query.resident, `${where}: dropped slots`);
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
            expect(!isGuarded || kept.has(slot), `${where}: dropped guarded slot ${slot}`);
          }
        }),
    },
    {
      name: "keeps the same slots when asked again, whatever it was asked in between",
      run: () => {
        const first: string[] = [];
        forEachQuery((policy, query) => first.push(String(policy.select(query))));
        let i = 0;
        forEachQuery((policy, query, where) => {
          expect(String(policy.select(query)) === first[i++], `${where}: other slots the second time`);
          expect(String(policy.select(query)) === first[i - 1], `${where}: other slots the third time`);
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
            `${where}: signals were modified`,
          );
        }),
    },
    {
      name: "divides its budget, and no more than that, the same way each time",
      run: async () => {
        const { layers, heads } = environment;
        for (const policy of policies()) {
          const signals = async (layer: number, head: number): Promise<Partial<SignalSet>> =>
            makeSignals(policy.signals, "random", 200, layer * 10 + head);
          const query = { seen: 200, resident: () => 200, signals };
          const { shares } = await policy.allocate(query);
          const again = await policy.allocate(query);
          expect(String(again.shares) === String(shares), "other shares the second time");
          const unprotected = [...shares].filter(
            (_, i) => !policy.options.protectLayers.includes(Math.floor(i / heads)),
          );
          const mean = unprotected.reduce((sum, share) => sum + share, 0) / unprotected.length;
          expect(
            shares.length === layers * heads && Math.abs(mean - 1) < 1e-3,
            `shares have a mean of ${mean}`,
          );
        }
      },
    },
    {
      name: "stays within the number of slots that it announces, through prompt and decoding",
      run: () => {
        for (const policy of policies()) for (const prompt of [1, 50, 130]) simulate(policy, prompt, 60);
      },
    },
  ];
}

/** A request on one head, evicted from whenever the policy says so; checks the announced bounds all the way. */
function simulate(policy: Policy, prompt: number, maxNew: number): void {
  const [layer, head, chunk] = [3, 1, 16];
  const share = policy.allocates ? 1 : undefined;
  const bound = policy.maximumResident({ layer, prompt, maxNew, chunk, ...(share && { share }) });
  let resident = 0;
  let seen = 0;
  const evict = (phase: "prefill" | "decode") => {
    if (!policy.overBudget({ layer, head, resident, seen, phase })) return;
    const before = resident;
    resident = policy.select({
      layer,
      head,
      resident,
      seen,
      phase,
      signals: makeSignals(policy.signals, "random", resident, seen),
    }).length;
    expect(resident < before, `was over its budget with ${before} slots and kept ${resident}`);
  };
  const check = (limit: number) =>
    expect(resident <= limit, `${resident} slots after ${seen} tokens, announced ${limit}`);
  while (seen < prompt) {
    const tokens = Math.min(chunk, prompt - seen);
    seen += tokens;
    resident += tokens;
    check(bound.prefill);
    if (policy.options.prefill === "chunk" || seen === prompt) evict("prefill");
  }
  check(bound.decode);
  for (let i = 0; i < maxNew; i++) {
    seen += 1;
    resident += 1;
    check(bound.decode);
    evict("decode");
  }
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
