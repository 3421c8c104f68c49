import { openDevice } from "@kvasir/runtime";
import { expect, test } from "vitest";
import { reproduceShapes } from "../reproduce-shape.ts";
import { composition } from "./composition.ts";
import { evictions, prefixes } from "./composition-case.ts";
import { compositionFindings } from "./composition-findings.ts";
import type { CompositionResult } from "./composition-result.ts";
import { compositionRows, type Measured } from "./composition-rows.ts";

/** 16 requests of 100 tokens in pages of one slot of one head; what is evicted is shared no longer, or is. */
const resultOf = (pageBytes: number, speed: number, loss: number, endsSharing = true): CompositionResult => ({
  refused: null,
  bytesPerToken: pageBytes,
  slotsPerPage: 1,
  heads: 1,
  ceilings: [4],
  cases: evictions.flatMap((eviction) =>
    prefixes.map((prefix) => {
      const kept = eviction === "full" ? 1 : Number(eviction.slice(-4).replace(" ", ""));
      const shares = prefix === "shared" && !(endsSharing && kept < 1);
      return {
        ...{ eviction, prefix, refused: null, requests: 16, pageBytes, logicalTokens: 1600 },
        usedPages: 1600 * kept * (shares ? 0.1 : 1),
        residentTokens: 1600 * kept,
        tokensPerSecond: [speed],
        ratios: [speed / kept],
        losses: [loss - Math.log(kept), loss - 2 * Math.log(kept)],
      };
    }),
  ),
});
const all = (endsSharing: boolean): Measured[] => [
  { model: "tiny", format: "f32", result: resultOf(8, 1, 1, endsSharing) },
  { model: "tiny", format: "bf16", result: resultOf(4, 1.5, 1, endsSharing) },
  { model: "tiny-lckv", format: "f32", result: resultOf(3, 1.2, 1.1, endsSharing) },
  { model: "tiny-lckv", format: "bf16", result: resultOf(1.5, 1.8, 1.1, endsSharing) },
  { model: "tiny", format: "q8_0", result: { ...resultOf(1, 1, 1), refused: "no such pages", cases: [] } },
];

test("savings that multiply are said to, and eviction that ends sharing is said to cost memory", () => {
  const { rows, refused } = compositionRows(all(true));
  expect(rows).toHaveLength(24);
  expect(refused).toEqual([{ name: "tiny, q8_0 pages", reason: "no such pages" }]);
  const text = compositionFindings(rows).join("\n");
  // 24 rows, of which one is the standard and five differ from it in one thing; of the others 8 evict and share.
  expect(text).toContain("10 of 18 combinations take what the product");
  expect(text).toContain(
    "Of the 8 that do not, 8 combine eviction and a shared prefix: they take 10.0 times the product.",
  );
  expect(text).toContain("Eviction ends sharing");
  expect(text).toContain("costs memory");
  expect(text).toContain("18 run at the product");
  expect(text).toContain("None of");
  expect(text).not.toContain("did other things");
});

test("a machine that did other things is said to have", () => {
  const [first, ...rest] = all(true);
  const unsteady = first!.result.cases.map((one) => ({ ...one, ratios: [...one.ratios, 3, 0.5] }));
  const measured = [{ ...first!, result: { ...first!.result, cases: unsteady } }, ...rest];
  expect(compositionFindings(compositionRows(measured).rows).join()).toContain(
    "differ by up to 8.0 times: this machine did other things",
  );
});

test("savings that all multiply are said to", () => {
  const text = compositionFindings(compositionRows(all(false)).rows).join("\n");
  expect(text).toContain("18 of 18 combinations");
  expect(text).toContain("Sharing goes on to save memory");
  expect(text).toContain("so eviction frees memory here too");
});

test("a section comes of any results", () => {
  using device = openDevice();
  const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  const parts = composition.parts(settings);
  expect(new Set(parts.map(({ key }) => key)).size).toBe(parts.length);
  const none = composition.section(new Map(), settings);
  expect([none.blocks.length, none.findings.length]).toEqual([0, 0]);
  const some = composition.section(new Map([[parts[1]!.key, resultOf(3, 1.2, 1.1)]]), settings);
  expect(some.blocks).toHaveLength(1);
});
