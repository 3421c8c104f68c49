import { openDevice } from "@kvasir/runtime";
import { expect, test } from "vitest";
import { reproduceShapes } from "../reproduce-shape.ts";
import { type LmSizes, measureLm } from "./measure-lm.ts";
import { poolLm } from "./pool-lm.ts";

const sizes: LmSizes = { windows: 2, prompt: 64, tokens: 8, shares: [0.5], protect: [[], [0, 1]] };

test("a cut cache has fewer slots and another loss, and groups have other texts", async () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const done: number[] = [];
  const context = {
    settings,
    signal: new AbortController().signal,
    onProgress: (share: number) => void done.push(share),
  };
  const first = await measureLm(context, { group: 0, groups: 2 }, sizes);
  expect(done.at(-1)).toBe(1);
  expect(first.runs.map(({ policy }) => policy)).toEqual([
    "full",
    ...["random", "random", "l2-norm", "l2-norm", "highest-norm", "highest-norm"],
  ]);
  const [full, ...cut] = poolLm([first]);
  for (const row of cut) {
    for (const [window, tokens] of row.residentTokens.entries()) {
      const whole = full!.residentTokens[window]!;
      // A quarter of the layers keeps everything, and a page may not be full yet.
      const share = row.protectLayers.length > 0 ? 0.25 + 0.75 * 0.5 : 0.5;
      expect(tokens).toBeGreaterThanOrEqual(whole * share - 1);
      expect(tokens).toBeLessThan(whole * share + 16);
    }
  }
  const losses = first.runs.map(({ losses: one }) => one.join());
  expect(new Set(losses).size).toBe(losses.length);
  const second = await measureLm(context, { group: 1, groups: 2 }, sizes);
  expect(second.runs[0]!.losses).not.toEqual(first.runs[0]!.losses);
  expect(poolLm([first, second])[0]!.losses.length).toBe(4);
  // Everything but time is the same in every run.
  expect(await measureLm(context, { group: 1, groups: 2 }, sizes)).toEqual(second);
});

test("a signal ends it", async () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = () => controller.abort(reason);
  const context = { settings, signal: controller.signal, onProgress };
  await expect(measureLm(context, { group: 0, groups: 1 }, sizes)).rejects.toBe(reason);
});
