import { openDevice } from "@kvasir/runtime";
import { expect, test } from "vitest";
import { reproduceShapes } from "../reproduce-shape.ts";
import type { CaseResult } from "./composition-result.ts";
import { type CompositionSizes, measureComposition } from "./measure-composition.ts";

const sizes: CompositionSizes = {
  requests: 3,
  prefix: 192,
  own: 16,
  tokens: 12,
  repetitions: 1,
  windows: 2,
  windowPrompt: 100,
  windowTokens: 4,
};

test("a shared prefix is in memory once, until something is evicted from it", async () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const done: number[] = [];
  const context = {
    settings,
    signal: new AbortController().signal,
    onProgress: (share: number) => void done.push(share),
  };
  const { cases, heads, refused, bytesPerToken, slotsPerPage } = await measureComposition(
    context,
    { model: "tiny", format: "bf16" },
    sizes,
  );
  expect(refused).toBeNull();
  expect(done.at(-1)).toBe(1);
  expect(heads).toBe(32);
  expect(bytesPerToken).toBe(32 * (2 * 32 * 2 + 8));
  const at = (eviction: CaseResult["eviction"], prefix: CaseResult["prefix"]) =>
    cases.find((one) => one.eviction === eviction && one.prefix === prefix)!;
  // Requests that began early are a few tokens ahead. Each has a last page that is not full.
  const [alone, together] = [at("full", "none"), at("full", "shared")];
  const expectPages = (pages: number, slots: number) => {
    expect(pages).toBeGreaterThanOrEqual(slots / slotsPerPage);
    expect(pages).toBeLessThanOrEqual(slots / slotsPerPage + 3);
  };
  expect(alone.logicalTokens).toBeGreaterThanOrEqual(3 * (208 + 12));
  expectPages(alone.usedPages / heads, alone.logicalTokens);
  expectPages(together.usedPages / heads, together.logicalTokens - 2 * 192);
  for (const eviction of ["l2-norm 0.5", "l2-norm 0.25"] as const) {
    const [none, shared] = [at(eviction, "none"), at(eviction, "shared")];
    expect(none.usedPages).toBeLessThan(at("full", "none").usedPages);
    expect(shared.residentTokens).toBeLessThan(at("full", "shared").residentTokens);
    expect(none.usedPages).toBeGreaterThanOrEqual((none.residentTokens * heads) / slotsPerPage);
    expect(at(eviction, "none").losses).not.toEqual(at("full", "none").losses);
  }
  for (const one of cases) {
    expect(one.refused).toBeNull();
    expect(one.ratios).toHaveLength(1);
    expect(one.ratios[0]).toBeGreaterThan(0);
  }
});

test("a format that pages do not come in is refused, in the engine's words", async () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const context = { settings, signal: new AbortController().signal, onProgress: () => {} };
  const { refused, cases } = await measureComposition(context, { model: "tiny-lckv", format: "q8_0" }, sizes);
  expect(refused).toContain("kvCache.dtype");
  expect(refused).toContain("q8_0");
  expect(cases).toEqual([]);
});
