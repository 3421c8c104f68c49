import { modelPath } from "@kvasir/tiny-models";
import { expect, test } from "vitest";
import { qualityHtml } from "./html/quality-html.ts";
import { type QualityOptions, type QualityProgress, quality } from "./quality.ts";
import { defaultSettings, type QualitySettings } from "./quality-settings.ts";
import { qualityText } from "./quality-text.ts";

const settings: QualitySettings = {
  ...defaultSettings,
  policies: ["full", "l2-norm", "streaming-llm"],
  budgets: [0.25],
  windows: 3,
  prompt: 96,
  tokens: 20,
  lengths: [160],
  depths: [0, 1],
  samples: 1,
  keys: 2,
};
const options: QualityOptions = {
  engine: { model: modelPath("tiny"), kvCache: { memory: "24MiB" } },
  settings,
  batch: 2,
  command: "kvasir-bench quality",
};

test("numbers are in their ranges, hang together, and come out the same again", async () => {
  const progress: QualityProgress[] = [];
  const report = await quality({ ...options, onProgress: (now) => progress.push(now) });
  const { rows, n, model } = report;
  expect(n).toEqual({ windows: 3, tokens: 60, passkey: 2, "multi-key": 2 });
  expect(rows.map(({ policy, protectLayers }) => `${policy} ${protectLayers}`)).toEqual([
    "full ",
    ...["random", "l2-norm", "streaming-llm"].flatMap((policy) => [`${policy} `, `${policy} 0,1`]),
  ]);
  const [full, ...evicting] = rows;
  expect(full).toMatchObject({
    divergence: { value: 0, low: 0, high: 0, n: 3 },
    sameTop: { value: 1 },
    perplexityRatio: { value: 1 },
    freedBytes: 0,
  });
  // Tokens 97 to 116 are judged, each with those before it in the cache.
  expect(full!.residentTokens).toBeCloseTo(96 + 10.5, 9);
  expect(full!.kvBytes).toBeGreaterThanOrEqual(106.5 * model.bytesPerToken);
  expect(full!.perplexity.value).toBeGreaterThan(1);
  expect(full!.perplexity.value).toBeLessThan(model.vocabSize);
  for (const row of evicting) {
    expect(row.divergence.value).toBeGreaterThan(0);
    expect(row.sameTop.value).toBeLessThanOrEqual(1);
    expect(row.kvBytes + row.freedBytes).toBeCloseTo(full!.kvBytes, 6);
    expect(row.tokensPerSecond).toBeGreaterThan(0);
    expect(row.cells).toHaveLength(4);
    // A quarter of up to 116 tokens and up to two pages, for 6 or 8 of the 8 layers.
    const kept = row.protectLayers.length / 8;
    expect(row.residentTokens).toBeLessThanOrEqual(kept * 106.5 + (1 - kept) * (29 + 32));
    expect(row.freedBytes).toBeGreaterThan(0);
    expect(row.againstRandom === undefined).toBe(row.policy === "random");
  }
  expect(progress.at(-1)).toMatchObject({ now: "done" });
  expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total);

  // Neither batches nor a second run change a number.
  const again = await quality({ ...options, batch: 5 });
  const lasting = (one: typeof report) => one.rows.map(({ tokensPerSecond: _, ...row }) => row);
  expect(lasting(again)).toEqual(lasting(report));
  const other = await quality({ ...options, settings: { ...settings, seed: 2, policies: [] } });
  expect(lasting(other)[0]).not.toEqual(lasting(report)[0]);

  const text = qualityText(report);
  expect(text).toMatch(/^full +1 +none .* 0\.000 \[0\.000, 0\.000\]/m);
  expect(text).toMatch(/^l2-norm +0\.25 +0,1 .* [-+=] [-+=] [-+=]$/m);

  const html = qualityHtml(report);
  for (const policy of ["random", "l2-norm", "streaming-llm"]) {
    // Four charts for either set of protected layers.
    expect(html.split(`data-line="${policy}"`)).toHaveLength(9);
  }
  // A cell for each length and depth, of each task, row and set; the full cache is shown in both.
  expect(html.match(/<rect/g)).toHaveLength(2 * 2 * 2 * 4);
  expect(html).toContain("kvasir-bench quality");
  expect(html).not.toMatch(/<script|https?:|NaN|undefined|Infinity/);
});

test("what the engine refuses is refused before anything is measured", async () => {
  const refused = (some: Partial<QualitySettings>) =>
    quality({ ...options, settings: { ...settings, ...some } });
  await expect(refused({ policies: ["lru"] })).rejects.toThrow(/lru/);
  await expect(refused({ protect: [[9]] })).rejects.toThrow(/protectLayers/);
  await expect(refused({ lengths: [12] })).rejects.toThrow(/lengths/);
});

test("its signal ends it", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = ({ now }: QualityProgress) => {
    if (now.startsWith("l2-norm")) controller.abort(reason);
  };
  await expect(quality({ ...options, signal: controller.signal, onProgress })).rejects.toBe(reason);
});
