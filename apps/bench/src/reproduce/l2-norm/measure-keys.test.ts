import { openDevice } from "@kvasir/runtime";
import { expect, test } from "vitest";
import { measureNeedleGrid } from "../l2-needle/l2-needle.ts";
import { measurePasskeys } from "../l2-passkey/l2-passkey.ts";
import { reproduceShapes } from "../reproduce-shape.ts";
import { accuracyMap, poolKeys } from "./pool-keys.ts";

test("tiny finds passkeys among sentences that repeat, and no longer with next to nothing kept", async () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const context = { settings, signal: new AbortController().signal, onProgress: () => {} };
  const sizes = { lengths: [128], depths: [0.1, 0.5, 0.9], shares: [0.15], protect: [[]] };
  const group = { group: 0, groups: 1 };
  const result = await measurePasskeys(context, group, sizes);
  const { rows } = poolKeys([result]);
  expect(rows.map(({ policy }) => policy)).toEqual(["full", "random", "l2-norm", "highest-norm"]);
  expect(rows[0]!.accuracy.value).toBe(1);
  expect(rows.find(({ policy }) => policy === "random")!.accuracy.value).toBe(0);
  expect(await measurePasskeys(context, group, sizes)).toEqual(result);
});

test("needles lie at every depth of every length", async () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const done: number[] = [];
  const context = {
    settings,
    signal: new AbortController().signal,
    onProgress: (share: number) => void done.push(share),
  };
  const [lengths, depths] = [
    [96, 128],
    [0, 1],
  ];
  const sizes = { lengths, depths, shares: [0.7], protect: [[]] };
  const result = await measureNeedleGrid(context, { group: 0, groups: 1 }, sizes);
  expect(done.at(-1)).toBe(1);
  const pooled = poolKeys([result]);
  expect(accuracyMap(pooled, pooled.rows[0]!, lengths, depths)).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(accuracyMap(pooled, pooled.rows[0]!, [96, 512], [0, 0.5])).toEqual([
    [1, undefined],
    [undefined, undefined],
  ]);
  expect(pooled.rows.map(({ policy, protectLayers }) => `${policy} ${protectLayers}`)).toEqual([
    "full ",
    "random ",
    "l2-norm ",
    "highest-norm ",
    "l2-norm 0",
    "l2-norm 0,1,2",
  ]);
});
