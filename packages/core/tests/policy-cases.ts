import { builtInPolicies, definePolicy, type PolicyDefinition, type Signal } from "@kvasir/kv-policies";
import type { PolicyChoice } from "../src/index.ts";

/** A policy that keeps the slots of which a signal says most; of vectors, the sum. */
function bySignal(signal: Signal, over: "group" | "layer" = "group"): PolicyDefinition {
  const name = `by-${signal.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}-${over}`;
  return definePolicy({
    name,
    signals: [signal],
    ...(signal.startsWith("attention") && { attention: () => ({ window: 8, future: 16, over }) }),
    score(context) {
      const numbers: Float32Array = context[signal];
      const perSlot = numbers.length / context.resident;
      return Float32Array.from({ length: context.resident }, (_, slot) =>
        numbers.subarray(slot * perSlot, (slot + 1) * perSlot).reduce((sum, number) => sum + number, 0),
      );
    },
  });
}

const signals = ["position", "keyNorm", "valueNorm", "keys", "values"] as const;
const attention = [
  ...["attentionSum", "attentionRecent", "attentionLast", "attentionCount", "attentionExpected"],
] as Signal[];

/** Reads every head, one by one, and gives most to those whose keys are longest; keeps a kind for each. */
const profiling = definePolicy({
  name: "profiling",
  signals: ["keyNorm", "attentionLast"],
  async allocate({ layers, heads, signals, profile }) {
    const shares = new Float32Array(layers * heads);
    for (let i = 0; i < shares.length; i++) {
      const { keyNorm } = await signals(Math.floor(i / heads), i % heads);
      const kind = profile(Math.floor(i / heads), i % heads);
      shares[i] = keyNorm.reduce((sum, norm) => sum + norm, kind);
    }
    return shares;
  },
  profile: ({ layers, heads }) => Float32Array.from({ length: layers * heads }, (_, i) => i % 3),
  score: ({ attentionLast, keyNorm, profile }) =>
    profile === 0 ? attentionLast : keyNorm.map((norm) => norm * profile),
});

/** Keeps the slots of which its newest queries thought anything, however many those are. */
const selfSizing = definePolicy({
  name: "self-sizing",
  signals: ["attentionCount"],
  sizesItself: true,
  attention: () => ({ window: 16, threshold: 0.5 }),
  select({ attentionCount, resident, options, pageTokens, budget }) {
    const guarded = (slot: number) => slot < options.sinks || slot >= resident - Math.max(options.recent, 1);
    const chosen = [...attentionCount.keys()].filter((slot) => guarded(slot) || attentionCount[slot]! > 0);
    const least = Math.max(pageTokens, options.sinks + options.recent, options.minTokens);
    const wanted = Math.min(Math.max(chosen.length, least), budget);
    const spare = chosen.filter((slot) => !guarded(slot)).slice(0, Math.max(0, chosen.length - wanted));
    const kept = new Set(chosen.filter((slot) => !spare.includes(slot)));
    for (let slot = resident - 1; kept.size < wanted; slot--) kept.add(slot);
    return Int32Array.from(kept).sort();
  },
});

const merging = definePolicy({
  name: "merging",
  signals: ["keyNorm"],
  merge: () => ({ threshold: 0.1 }),
  score: ({ keyNorm }) => keyNorm.map((norm) => -norm),
});

const noisy = definePolicy({
  name: "noisy",
  signals: ["attentionSum"],
  attention: () => ({ reduce: "max", noiseSeed: 7, temperature: [1, 2] }),
  score: ({ attentionSum }) => attentionSum,
});

const small = { budget: 24, sinks: 2, recent: 6, protectLayers: [] };

/** Every built-in policy, combinations of them, and one for each thing that a policy may ask of the engine. */
export const policyCases: readonly (readonly [name: string, choice: PolicyChoice])[] = [
  ...builtInPolicies.map(({ name }) => [name, { policy: name, ...(name !== "full" && small) }] as const),
  ...signals.map((signal) => bySignal(signal)).map((policy) => [policy.name, { policy, ...small }] as const),
  ...attention
    .flatMap((signal) => [bySignal(signal), bySignal(signal, "layer")])
    .map((policy) => [policy.name, { policy, ...small }] as const),
  ...[profiling, selfSizing, merging, noisy].map((policy) => [policy.name, { policy, ...small }] as const),
  ...[
    "adaptive+l2-norm",
    "chunked+l2-norm",
    "merge+l2-norm",
    "adaptive+chunked+keydiff",
    "chunked+adaptive+merge+lagkv",
    "adaptive+snapkv",
    "snapkv>h2o",
    "merge+pyramidkv",
    "adaptive+expected-attention>streaming-llm",
    "l2-norm>keydiff",
    "tova>h2o",
    "pyramid-infer>l2-norm",
    "full>l2-norm",
    "merge+l2-norm>full",
  ].map((policy) => [policy, { policy, ...small }] as const),
  ["by-attention-sum-group after chunks", { policy: bySignal("attentionSum"), ...small, prefill: "chunk" }],
  [
    "by-attention-recent-layer after chunks",
    { policy: bySignal("attentionRecent", "layer"), ...small, prefill: "chunk" },
  ],
  ["profiling after chunks", { policy: profiling, ...small, prefill: "chunk" }],
  ["l2-norm at the prompt's end only", { policy: "l2-norm", ...small, decode: false }],
];
