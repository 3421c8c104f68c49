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

describe("the conformance suite fails", () => {
  const wrong: Record<string, [PolicyDefinition, string]> = {
    "NaN where all signals are zero": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm.map((norm) => norm / Math.max(...keyNorm)),
      }),
      "keeps exactly its budget",
    ],
    "infinity minus infinity for huge signals": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm.map((norm) => Math.fround(norm * 2) - Math.fround(norm * 2)),
      }),
      "keeps exactly its budget",
    ],
    "one score too few": [
      definePolicy({ name, signals, score: ({ keyNorm }) => keyNorm.slice(1) }),
      "keeps exactly its budget",
    ],
    "an array of another type": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => Float64Array.from(keyNorm) as unknown as Float32Array,
      }),
      "keeps exactly its budget",
    ],
    "an exception": [
      definePolicy({ name, signals, score: ({ keyNorm }) => new Float32Array(keyNorm.length - 300) }),
      "keeps exactly its budget",
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
      "keeps at most its budget, and at least what is guarded",
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
      "divides its budget, and no more than that, the same way each time",
    ],
    "shares drawn at random": [
      definePolicy({
        name,
        signals,
        score: ({ keyNorm }) => keyNorm,
        allocate: ({ layers, heads }) => new Float32Array(layers * heads).map(() => Math.random()),
      }),
      "divides its budget, and no more than that, the same way each time",
    ],
    "defaults that contradict each other": [
      definePolicy({ name, signals, defaults: { budget: 20, recent: 64 }, score: ({ keyNorm }) => keyNorm }),
      "keeps exactly its budget",
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
      select: ({ resident, budget, options: { sinks } }) =>
        Int32Array.from({ length: Math.min(budget, most) }, (_, i) =>
          i < sinks ? i : resident - Math.min(budget, most) + i,
        ),
    });
    expect(await failed(guardsOnly)).toEqual([]);
  });
});
