import { createHash } from "node:crypto";
import { loadModel, type Model, openDevice } from "@kvasir/runtime";
import { modelPath } from "@kvasir/tiny-models";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckpointRunner } from "../../checkpoint-runner.ts";
import { randomIds } from "../../random-ids.ts";
import { compiled } from "./compiled.ts";
import { PassTrace, passChanges } from "./pass-trace.ts";
import { sequentialDifference } from "./sequential-difference.ts";
import { unrolledPasses, withPasses } from "./unrolled-passes.ts";

const device = openDevice({ onWarning: () => {} });
let model: Model;
let standard: Model;
beforeAll(async () => {
  model = await loadModel(modelPath("tiny-lckv"), { device });
  standard = await loadModel(modelPath("tiny"), { device });
});
afterAll(() => {
  model.dispose();
  standard.dispose();
  device.dispose();
});

/** A digest, so that what differs is not shown number by number. */
const bytes = (numbers: Float32Array) => createHash("sha256").update(numbers).digest("hex");

const { signal } = new AbortController();
const ids = randomIds(12, 4096, 1);

test("what a pass wrote is what the program itself holds after so many passes, bit by bit", async () => {
  using trace = await PassTrace.of(model, ids, 4);
  expect(trace.passes).toBe(4);
  for (const passes of [1, 2, 4]) {
    using itself = compiled(model, withPasses(model.program, passes));
    using runner = new CheckpointRunner(itself, ids.length);
    await runner.logits(ids);
    for (const data of ["keys", "values"] as const) {
      const heads = (await trace.after(passes, data)).flat();
      expect(heads.map(bytes)).toEqual((await runner.readSlots(1, data)).map(bytes));
    }
  }
});

test("the last pass is what the layers behind the group read", async () => {
  using unrolled = compiled(model, unrolledPasses(model.program, 3).program);
  using itself = compiled(model, withPasses(model.program, 3));
  const logits: string[] = [];
  for (const one of [unrolled, itself]) {
    using runner = new CheckpointRunner(one, ids.length);
    logits.push(bytes(await runner.logits(ids)));
  }
  expect(logits[0]).toBe(logits[1]);
});

test("the first change is the mean square itself, and after as many passes as tokens there is none", async () => {
  using trace = await PassTrace.of(model, ids, ids.length + 2);
  const changes = await passChanges(trace, signal);
  const first = [...(await trace.after(1, "keys")), ...(await trace.after(1, "values"))].flat();
  const squares = first.map((numbers) => numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
  expect(changes[0]).toBeCloseTo(squares.reduce((sum, square) => sum + square, 0) / squares.length, 5);
  expect(changes[1]).toBeGreaterThan(0);
  expect(changes.at(-1)).toBe(0);
});

test("differences from sequential encoding vanish with the passes", async () => {
  const shares: number[] = [];
  const { kv, logits } = await sequentialDifference(model, ids, {
    passes: ids.length,
    logitPasses: [1, ids.length],
    signal,
    onProgress: (share) => shares.push(share),
  });
  expect(kv).toHaveLength(ids.length);
  expect(kv[0]).toBeGreaterThan(0.01);
  expect(kv.at(-1)).toBeLessThan(1e-4);
  expect(logits.map(({ passes }) => passes)).toEqual([1, ids.length]);
  expect(logits[0]!.difference).toBeGreaterThan(0.01);
  expect(logits[1]!.difference).toBeLessThan(1e-4);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
});

test("a program without a cyclic group, or no pass, is refused", () => {
  expect(() => unrolledPasses(standard.program, 2)).toThrow(/program: expected one cyclic group, received 0/);
  expect(() => unrolledPasses(model.program, 0)).toThrow(
    /passes: expected a whole number from 1, received 0/,
  );
});
