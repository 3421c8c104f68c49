import { expect, test } from "vitest";
import type { NeedlePrompt } from "./needle-prompt.ts";
import { type Measured, summarise } from "./summarise.ts";

const prompt = (task: NeedlePrompt["task"], depth: number): NeedlePrompt => ({
  task,
  depth,
  length: 256,
  digits: "12345",
  prompt: new Int32Array(1),
  continuation: new Int32Array(1),
  answerTokens: 1,
});
const depths = [0, 0, 1, 1];
const prompts = [
  ...depths.map((depth) => prompt("passkey", depth)),
  ...depths.map((depth) => prompt("multi-key", depth)),
];

/** Four windows; the loss of window i is `loss + i`. */
const measured = (policy: string, loss: number, kvBytes: number, found: boolean, budget = 0.5): Measured => ({
  configuration: { policy, budget, protectLayers: [] },
  samples: [0, 1, 2, 3].map((i) => ({
    loss: loss + i,
    divergence: loss + i / 1000,
    sameTop: 1 - loss / 10,
    residentTokens: 100,
    kvBytes,
  })),
  found: prompts.map(({ task }) => found && task === "passkey"),
  tokensPerSecond: 1,
});

const rows = summarise(
  [
    { ...measured("full", 0, 1000, true), configuration: { policy: "full", budget: 1, protectLayers: [] } },
    measured("random", 0.5, 400, false),
    measured("random", 5, 100, false, 0.1),
    measured("good", 0.2, 400, true),
    measured("bad", 0.8, 300, false),
    measured("same", 5, 100, false, 0.1),
  ],
  prompts,
);
const row = (policy: string) => rows.find((one) => one.policy === policy)!;

test("means, shares and freed bytes are those of the samples", () => {
  const { perplexity, perplexityRatio, divergence, needles, freedBytes, cells } = row("good");
  expect(perplexity.value).toBeCloseTo(Math.exp(1.7), 9);
  expect(perplexity.n).toBe(4);
  // Paired, the windows' own differences drop out.
  expect(perplexityRatio.value).toBeCloseTo(Math.exp(0.2), 9);
  expect(perplexityRatio.high - perplexityRatio.low).toBeLessThan(1e-9);
  expect(divergence.value).toBeCloseTo(0.2015, 9);
  expect(needles.passkey).toMatchObject({ value: 1, high: 1, n: 4 });
  expect(needles["multi-key"]).toMatchObject({ value: 0, low: 0, n: 4 });
  expect(freedBytes).toBe(600);
  expect(cells).toEqual([
    { task: "passkey", length: 256, depth: 0, found: 2, n: 2 },
    { task: "passkey", length: 256, depth: 1, found: 2, n: 2 },
    { task: "multi-key", length: 256, depth: 0, found: 0, n: 2 },
    { task: "multi-key", length: 256, depth: 1, found: 0, n: 2 },
  ]);
});

test("a row is compared with random of its own budget, and neither full nor random with anything", () => {
  const verdicts = (policy: string) => {
    const against = row(policy).againstRandom!;
    return [against.divergence.verdict, against.sameTop.verdict, against.passkey.verdict];
  };
  expect(verdicts("good")).toEqual(["better", "better", "better"]);
  expect(verdicts("bad")).toEqual(["worse", "worse", "no different"]);
  expect(verdicts("same")).toEqual(["no different", "no different", "no different"]);
  expect(row("full").againstRandom).toBeUndefined();
  expect(row("random").againstRandom).toBeUndefined();
});

test("no interval of a divergence or a share leaves what they can be", () => {
  for (const { divergence, sameTop } of rows) {
    expect(divergence.low).toBeGreaterThanOrEqual(0);
    expect(sameTop.high).toBeLessThanOrEqual(1);
  }
});
