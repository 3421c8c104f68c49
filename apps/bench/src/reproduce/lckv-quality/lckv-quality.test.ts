import { openDevice } from "@kvasir/kernels";
import { afterAll, expect, test } from "vitest";
import { reproduceShapes } from "../reproduce-shape.ts";
import { lckvQuality } from "./lckv-quality.ts";
import { lckvQualityParts, partList } from "./quality-parts.ts";
import type { LckvQualityResult, PasskeyResult } from "./quality-result.ts";
import { passkeyRows, perplexityRatio, positionRows } from "./quality-rows.ts";
import type { LckvQualitySizes } from "./quality-sizes.ts";

const device = openDevice({ onWarning: () => {} });
afterAll(() => device.dispose());

const settings = { shape: reproduceShapes["15m"], device, seed: 1 };
const context = { settings, signal: new AbortController().signal, onProgress: () => {} };

const small: LckvQualitySizes = {
  text: { windows: 2, tokens: 24 },
  positions: { windows: 2, tokens: 24 },
  passes: { windows: 2, tokens: 16, judged: 3 },
  encodings: [1, 16],
  passkey: { lengths: [96], depths: [0.5], samples: 2, encodings: [2] },
};

test("losses of both models on the same windows, of every token", async () => {
  const { text } = lckvQualityParts(settings, small);
  const { standard, condensed } = await text.measure(context);
  for (const losses of [standard, condensed]) {
    expect(losses.map(({ length }) => length)).toEqual([24, 24]);
    expect(losses.flat().every((loss) => loss >= 0 && loss < 30)).toBe(true);
  }
  expect(standard).not.toEqual(condensed);
});

test("as many passes as tokens predict as sequential encoding does, one pass does not", async () => {
  const { passes } = lckvQualityParts(settings, small);
  const { rows } = await passes.measure(context);
  expect(rows.map(({ encoding }) => encoding)).toEqual([1, 16, "sequential"]);
  const [one, exact, sequential] = rows.map(({ losses }) => losses);
  for (const [window, loss] of sequential!.entries()) {
    expect(exact![window]).toBeCloseTo(loss, 2);
    expect(Math.abs(one![window]! - loss)).toBeGreaterThan(0.02);
  }
});

test("one trial for each prompt and encoding", async () => {
  const { passkeys } = lckvQualityParts(settings, small);
  const { standard, rows } = await passkeys[0]!.part.measure(context);
  expect(standard).toHaveLength(2);
  expect(rows.map(({ encoding, found }) => [encoding, found.length])).toEqual([
    [2, 2],
    ["sequential", 2],
  ]);
});

test("parts have keys of their own, and stop when they are told to", async () => {
  const parts = partList(lckvQualityParts(settings));
  expect(new Set(parts.map(({ key }) => key)).size).toBe(parts.length);
  const signal = AbortSignal.abort(new Error("enough"));
  for (const part of parts) {
    await expect(part.measure({ ...context, signal })).rejects.toThrow("enough");
  }
});

/** Windows of 1,008 tokens whose losses are the same everywhere, a little different by window. */
const flat = (loss: number, late = 0) =>
  [0, 0.1, 0.2].map((more) =>
    Array.from({ length: 1008 }, (_, i) => loss + more + (i >= 512 ? late * (1 + more) : 0)),
  );

const { text, positions, passes, passkeys } = lckvQualityParts(settings);
const section = (...results: readonly (readonly [{ readonly key: string }, LckvQualityResult])[]) =>
  lckvQuality.section(new Map(results.map(([{ key }, result]) => [key, result])), settings);

test("perplexity is told apart from the paper's where the windows can", () => {
  const found = (by: readonly number[]) => {
    const standard = flat(3);
    const condensed = standard.map((window, i) => window.map((loss) => loss + by[i]!));
    return section([text, { kind: "text", standard, condensed }]).findings.join();
  };
  expect(found([0.2, 0.201, 0.202])).toMatch(/1\.22. \[.*worse, as in the paper.*is more than there/);
  expect(found([0.01, 0.0101, 0.0102])).toMatch(/worse.*is less than there/);
  expect(found([0.055, 0.056, 0.054])).toMatch(/worse.*about as much as the paper's\./);
  expect(found([0.01, -0.01, 0])).toContain("no different as far as these windows tell");
  expect(found([-0.1, -0.101, -0.102])).toContain("better; the paper's model with w = 2 has 1.057 times");
});

test("what is lost behind the trained length shows", () => {
  const found = (late: number) =>
    section([positions, { kind: "text", standard: flat(3), condensed: flat(3, late) }]).findings.join();
  expect(found(0.2)).toContain("The difference grows with the position");
  expect(found(0)).toContain("does not grow with the position");
  const rows = positionRows({ kind: "text", standard: flat(3), condensed: flat(3) });
  expect(rows).toHaveLength(15);
  expect(rows[1]).toMatchObject({ from: 65, standard: rows[0]!.standard });
  expect(rows[1]!.standard).toBeCloseTo(Math.exp(3.1), 9);
});

test("the fewest passes that are no worse, those after them included", () => {
  const row = (encoding: number | "sequential", more: number) => ({
    encoding,
    losses: [3, 3.1, 3.2].map((loss, i) => loss + more + i * 1e-4 * Math.sign(more)),
  });
  const found = (...by: number[]) => {
    const rows = [1, 4, 7, 8, 9].map((encoding, i) => row(encoding, by[i]!));
    return section([passes, { kind: "passes", rows: [...rows, row("sequential", 0)] }]).findings.join();
  };
  expect(found(0.5, 0, 0, 0, 0)).toMatch(/From 4 passes on.*here the same/);
  expect(found(0.5, 0, 0.1, 0, 0)).toMatch(/From 8 passes on.*not so for at least one of them/);
  expect(found(0.5, 0.4, 0.3, 0.2, 0.1)).toContain("No number of passes here does as well");
});

test("passkeys of both models, and what is not measured here", () => {
  const result: PasskeyResult = {
    kind: "passkey",
    standard: Array.from({ length: 20 }, () => true),
    rows: [
      { encoding: 1, found: Array.from({ length: 20 }, () => false) },
      { encoding: 9, found: Array.from({ length: 20 }, (_, i) => i < 10) },
      { encoding: "sequential", found: Array.from({ length: 20 }, (_, i) => i < 10) },
    ],
  };
  expect(passkeyRows(result).map(({ share }) => share.value)).toEqual([1, 0, 0.5, 0.5]);
  const { findings, blocks, missing } = section([passkeys[0]!.part, result]);
  expect(findings.join()).toMatch(
    /tiny finds 100 %.*tiny-lckv 50 %.*50 %.*with 9 passes: tiny finds more; measurably fewer than sequential encoding with 1 pass\./,
  );
  const [table] = blocks;
  expect(table?.kind === "table" && table.rows.map(([model, how]) => `${model}: ${how}`)).toEqual([
    "tiny: at once",
    "tiny-lckv: 1 pass",
    "tiny-lckv: 9 passes",
    "tiny-lckv: token by token",
  ]);
  expect(missing.join()).toContain("Table 2");
  expect(missing.join()).toContain("perplexity by position");
  expect(section()).toMatchObject({ blocks: [], findings: [] });
});

test("a ratio comes with its interval", () => {
  const { ratio } = perplexityRatio({ kind: "text", standard: flat(3), condensed: flat(3.1) });
  expect(ratio.value).toBeCloseTo(Math.exp(0.1), 6);
  expect(ratio.n).toBe(3);
});
