import { describe, expect, it } from "vitest";
import { policyChecks } from "../src/conformance.ts";
import { definePolicy, type PolicyDefinition } from "../src/index.ts";

/** Names of the checks that a policy does not pass. */
async function failed(definition: PolicyDefinition): Promise<string[]> {
  const names: string[] = [];
  for (const { name, run } of policyChecks(definition)) {
    try {
      await run();
    } catch {
      names.push(name);
    }
  }
  return names;
}

const name = "wrong";
const signals = ["keyNorm"] as const;
let calls = 0;
const budgetCheck = "keeps its budget (at most, where it chooses for itself), and at least what is guarded";
const divisionCheck = "divides its budget, and no more than that, and profiles heads the same way each time";
/** Keeps the guarded slots and the newest others. */
const newest = (
  { resident, options }: { resident: number; options: { sinks: number } },
  budget: number,
): Int32Array =>
  Int32Array.from({ length: budget }, (_, i) => (i < options.sinks ? i : resident - budget + i));

describe("the conformance suite fails", () => {
  const wrong: Record<string, [PolicyDefinition, string]> = {
    "NaN where all signals are zero": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm.map((norm) => norm / Math.max(...keyNorm)),
      }),
      budgetCheck,
    ],
    "infinity minus infinity for huge signals": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm.map((norm) => Math.fround(norm * 2) - Math.fround(norm * 2)),
      }),
      budgetCheck,
    ],
    "one score too few": [
      definePolicy({ name, signals, score: ({ keyNorm }) => keyNorm.slice(1) }),
      budgetCheck,
    ],
    "an array of another type": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => Float64Array.from(keyNorm) as unknown as Float32Array,
      }),
      budgetCheck,
    ],
    "an exception": [
      definePolicy({ name, signals, score: ({ keyNorm }) => new Float32Array(keyNorm.length - 300) }),
      budgetCheck,
    ],
    "random scores": [
      definePolicy({ name, signals, score: ({ keyNorm }) => keyNorm.map(() => Math.random()) }),
      "keeps the same slots when asked again, whatever it was asked in between",
    ],
    "scores that depend on earlier calls": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => {
          calls += 1;
          return keyNorm.map((_, slot) => ((slot * 7919) ^ calls) % 101);
        },
      }),
      "keeps the same slots when asked again, whatever it was asked in between",
    ],
    "signals sorted in place": [
      definePolicy({ name, signals, score: ({ keyNorm }) => keyNorm.sort() }),
      "leaves the signals as they are",
    ],
    "sinks left out": [
      definePolicy({
        name,
        signals,
        select: ({ resident, budget }) =>
          Int32Array.from({ length: budget }, (_, i) => resident - budget + i),
      }),
      "keeps the sinks, the recent slots and the newest",
    ],
    "recent slots left out": [
      definePolicy({
        name,
        signals,
        select: ({ budget }) => Int32Array.from({ length: budget }, (_, i) => i),
      }),
      "keeps the sinks, the recent slots and the newest",
    ],
    "more than the budget": [
      definePolicy({
        name,
        signals,
        select: ({ resident }) => Int32Array.from({ length: resident }, (_, i) => i),
      }),
      budgetCheck,
    ],
    "slots twice and out of order": [
      definePolicy({
        name,
        signals,
        select: ({ resident, budget }) =>
          Int32Array.from({ length: budget }, (_, i) => (i < 40 ? i % 20 : resident - 1)),
      }),
      "keeps slots that are there, in ascending order, each once",
    ],
    "slots that are not there": [
      definePolicy({
        name,
        signals,
        select: ({ resident, budget }) =>
          Int32Array.from({ length: budget }, (_, i) => resident - budget + i + 1),
      }),
      "keeps slots that are there, in ascending order, each once",
    ],
    "shares that are not finite": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm,
        allocate: ({ layers, heads }) => new Float32Array(layers * heads).fill(1 / 0),
      }),
      divisionCheck,
    ],
    "shares drawn at random": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm,
        allocate: ({ layers, heads }) => new Float32Array(layers * heads).map(() => Math.random()),
      }),
      divisionCheck,
    ],
    "a rejected promise": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm,
        allocate: () => Promise.reject(new Error("oops")),
      }),
      divisionCheck,
    ],
    "a profile drawn at random": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm,
        profile: ({ layers, heads }) => new Float32Array(layers * heads).map(() => Math.random()),
      }),
      divisionCheck,
    ],
    "a profile that is infinite where all signals are zero": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm,
        profile: async (context) => {
          const { keyNorm } = await context.signals(0, 0);
          return new Float32Array(context.layers * context.heads).fill(1 / keyNorm[0]!);
        },
      }),
      divisionCheck,
    ],
    "a profile that it cannot use itself": [
      definePolicy({
        name,
        signals,
        profile: ({ layers, heads }) => new Float32Array(layers * heads).fill(2),
        score: ({ keyNorm, profile }) => keyNorm.map((norm) => [norm][profile]!),
      }),
      budgetCheck,
    ],
    "a phase that it does not know": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm, phase }) => (phase === "prefill" ? keyNorm : new Float32Array(0)),
      }),
      budgetCheck,
    ],
    "heads of a layer that share their attention, and go apart": [
      definePolicy({
        name,
        signals: ["attentionLast"],
        attention: () => ({ over: "layer" }),
        score: ({ attentionLast, head }) => attentionLast.map((paid, slot) => (head ? paid : -slot)),
      }),
      "keeps the same slots in all heads of a layer that share their attention",
    ],
    "a size of its own that is all there is": [
      definePolicy({
        name,
        signals: [],
        sizesItself: true,
        select: (context) => newest(context, context.budget),
      }),
      "frees slots at the prompt's end, where it sizes itself",
    ],
    "a size of its own above the ceiling": [
      definePolicy({
        name,
        signals: [],
        sizesItself: true,
        select: (context) => newest(context, context.resident),
      }),
      "stays within the number of slots that it announces, through prompt and decoding",
    ],
    "defaults that contradict each other": [
      definePolicy({ name, signals, defaults: { budget: 20, recent: 64 }, score: ({ keyNorm }) => keyNorm }),
      budgetCheck,
    ],
  };
  it.each(Object.entries(wrong))("%s", async (_, [definition, check]) => {
    expect(await failed(definition)).toContain(check);
  });

  it("and passes a policy that chooses fewer slots than it may", async () => {
    const most = 45;
    const guardsOnly = definePolicy({
      name: "guards-only",
      signals: [],
      select: (context) => newest(context, Math.min(context.budget, most)),
    });
    expect(await failed(guardsOnly)).toEqual([]);
    expect(await failed(definePolicy({ ...guardsOnly, sizesItself: true }))).toEqual([]);
  });
});
