import { type Device, openDevice } from "@kvasir/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Part, ReproduceSettings, TableBlock } from "../figure.ts";
import { reproduceShapes } from "../reproduce-shape.ts";
import type { LckvPlan } from "./lckv-plan.ts";
import type { LckvResult } from "./lckv-results.ts";
import { lckvThroughput, lckvThroughputOf } from "./lckv-throughput.ts";

/** The whole figure in seconds. */
const plan: LckvPlan = {
  standardSlots: 3 * 48,
  generations: [
    { prompt: 5, generated: 11, rank: 0 },
    { prompt: 24, generated: 24, rank: 0 },
  ],
  promptRepetitions: [{ upTo: Number.POSITIVE_INFINITY, repetitions: 1 }],
  samples: 2,
  repetitions: 2,
  sweep: { prompt: 24, generated: 24 },
  sweepSamples: 2,
  sweepRepetitions: 1,
  whole: { prompt: 5, generated: 5, batch: 2 },
};
const figure = lckvThroughputOf(plan);

let device: Device;
let settings: ReproduceSettings;
const results = new Map<string, LckvResult>();
const progress = new Map<string, number[]>();

async function measure(part: Part<LckvResult>, signal = new AbortController().signal): Promise<LckvResult> {
  const shares: number[] = [];
  progress.set(part.key, shares);
  return part.measure({ settings, signal, onProgress: (share) => shares.push(share) });
}

beforeAll(async () => {
  device = openDevice({ onWarning: () => {} });
  settings = { shape: reproduceShapes["15m"], device, seed: 1 };
  for (const part of figure.parts(settings)) results.set(part.key, await measure(part));
}, 300_000);
afterAll(() => device.dispose());

const table = (of: ReadonlyMap<string, LckvResult>, caption: string) =>
  figure
    .section(of, settings)
    .blocks.find((block): block is TableBlock => block.kind === "table" && block.caption.startsWith(caption));

describe("lckv-throughput", () => {
  it("finds the batches that the formula says", () => {
    const { rows } = table(results, "Largest batches")!;
    // 144 slots of Llama's 12 KV layers are 576 of the 3 of w = 2, 345 of the 5 of w = 4 and 157 of the 11 of w = 10.
    expect(rows.map((row) => [row[0], row[1], row[2], row[5]].join(" "))).toEqual([
      "5+11 Llama 9 1.00x",
      "5+11 LCKV, w = 2 36 4.00x",
      "5+11 LCKV, w = 4 21 2.33x",
      "5+11 LCKV, w = 10 9 1.00x",
      "24+24 Llama 3 1.00x",
      "24+24 LCKV, w = 2 12 4.00x",
      "24+24 LCKV, w = 4 7 2.33x",
      "24+24 LCKV, w = 10 3 1.00x",
    ]);
  });

  it("measures every part and says so", () => {
    const section = figure.section(results, settings);
    expect(section.missing.filter((line) => line.startsWith("Not measured"))).toEqual([]);
    expect(section.missing.join(" ")).toContain("no CUDA backend");
    const kinds = section.blocks.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "lines").length).toBeGreaterThanOrEqual(2);
    expect(section.findings.join(" ")).toContain("are those of the formula");
    expect(section.findings.join(" ")).toContain("table 10");
    expect(JSON.stringify(section)).not.toMatch(/NaN|undefined|Infinity/);
    const rates = table(results, "Throughput at each model's own")!.rows;
    expect(rates).toHaveLength(8);
    for (const row of rates) expect(Number.parseFloat(row[3]!.replaceAll(",", ""))).toBeGreaterThan(0);
  });

  it("reports progress that does not go back", () => {
    for (const [key, shares] of progress) {
      expect(shares, key).toEqual(shares.toSorted((a, b) => a - b));
      for (const share of shares) expect(share, key).toBeLessThanOrEqual(1);
    }
  });

  it("makes a section of any results, and names what is missing", () => {
    const none = figure.section(new Map(), settings);
    expect(none.missing.filter((line) => line.startsWith("Not measured"))).toHaveLength(
      figure.parts(settings).length,
    );
    for (const key of results.keys()) {
      const without = new Map([...results].filter(([one]) => one !== key));
      for (const some of [without, new Map([[key, results.get(key)!]])]) {
        const section = figure.section(some, settings);
        expect(JSON.stringify(section), key).not.toMatch(/NaN|undefined|Infinity/);
      }
    }
  });

  it("takes results that were stored", () => {
    const stored = new Map(Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(results)))));
    expect(figure.section(stored as typeof results, settings)).toEqual(figure.section(results, settings));
  });

  it("stops when it is told to", async () => {
    for (const part of figure.parts(settings)) {
      const stopped = measure(part, AbortSignal.abort(new Error("enough")));
      await expect(stopped, part.key).rejects.toThrow();
    }
  });

  it("has parts of keys of their own, and leaves out what no memory holds", () => {
    const parts = lckvThroughput.parts(settings);
    expect(new Set(parts.map(({ key }) => key)).size).toBe(parts.length);
    const huge = { ...settings, shape: { ...reproduceShapes["30b"], layers: 6000 } };
    expect(lckvThroughput.parts(huge).map(({ label }) => label)).toEqual([
      "largest batches",
      "what the machine can do",
    ]);
    expect(lckvThroughput.section(new Map(), huge).missing[0]).toContain("this machine has");
  });
});
