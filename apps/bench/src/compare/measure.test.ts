import { expect, test } from "vitest";
import { measureNames, ratesOf, workloadsFor } from "./measure.ts";

const lengths = { short: 32, long: 128, generate: 8 };

test("every measure but load and memory comes from one workload", () => {
  const found = workloadsFor(measureNames, lengths).flatMap(({ prefill, decode }) => [prefill, decode]);
  const measured = found.filter((name) => name !== undefined).toSorted();
  expect(measured).toEqual(measureNames.filter((name) => name !== "load" && name !== "memory").toSorted());
});

test("a long prompt is generated after only where that is measured", () => {
  expect(workloadsFor(["prefill-long"], lengths)).toMatchObject([{ prompt: 128, generate: 1 }]);
  expect(workloadsFor(["prefill-long", "decode-long"], lengths)).toMatchObject([
    { prompt: 128, generate: 9 },
  ]);
  expect(workloadsFor(["load", "memory"], lengths)).toEqual([]);
});

test("rates count the tokens of all sequences, and none that came while prompts were read", () => {
  const work = {
    sequences: 4,
    prompt: 100,
    generate: 11,
    prefill: "prefill-short",
    decode: "decode-4",
  } as const;
  expect(ratesOf(work, { firstMs: 200, restMs: 500, restTokens: 38 })).toEqual([
    ["prefill-short", 2000],
    ["decode-4", 76],
  ]);
});
