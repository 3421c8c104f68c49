import { readPolicyFlags } from "@kvasir/kv-policies";
import { modelPath } from "@kvasir/tiny-models";
import { expect, test } from "vitest";
import { policyChoice } from "../quality/configuration.ts";
import { risesOf } from "./judge-points.ts";
import { kvFlags, shellWords } from "./kv-flags.ts";
import { mostRuns } from "./search-plan.ts";
import { type TuneOptions, tune } from "./tune.ts";
import { defaultTuneSettings, type TuneSettings } from "./tune-settings.ts";
import { tuneText } from "./tune-text.ts";

const settings: TuneSettings = {
  ...defaultTuneSettings,
  policies: ["full", "l2-norm", "streaming-llm"],
  protect: [[0, 1]],
  memory: 0.8,
  maxKl: 2,
  windows: 3,
  prompt: 64,
  tokens: 6,
};
const options: TuneOptions = {
  engine: { model: modelPath("tiny"), kvCache: { memory: "24MiB" } },
  settings,
  batch: 4,
  command: "kvasir-bench tune",
};

test("a model's frontier is within the limits and comes out the same again", async () => {
  const progress: { done: number; total: number; now: string }[] = [];
  const report = await tune({ ...options, onProgress: (now) => progress.push(now) });
  const { frontier, full, limits, n, model } = report;
  expect(full).toMatchObject({ policy: "full", divergence: { value: 0, high: 0, n: 3 } });
  expect(limits).toEqual({ kvBytes: 0.8 * full.kvBytes.value, divergence: 2 });
  expect(n).toMatchObject({ windows: 3, tokens: 18, candidates: 2 });
  expect(n.runs).toBeGreaterThan(0);
  expect(n.runs).toBeLessThanOrEqual(mostRuns(2, 3));
  expect(frontier.length).toBeGreaterThan(0);
  for (const [i, { kvBytes, divergence, protectLayers, flags }] of frontier.entries()) {
    expect(kvBytes.high).toBeLessThanOrEqual(limits.kvBytes);
    // Layers 0 and 1 of 8 keep every token.
    expect(kvBytes.low).toBeGreaterThan((64 * model.bytesPerToken * 2) / 8);
    expect(divergence.value).toBeGreaterThan(0);
    expect(divergence.high).toBeLessThanOrEqual(2);
    expect(protectLayers).toEqual([0, 1]);
    expect(flags).toContain("protectLayers=0,1");
    if (i > 0) {
      expect(kvBytes.value).toBeGreaterThan(frontier[i - 1]!.kvBytes.value);
      expect(divergence.value).toBeLessThan(frontier[i - 1]!.divergence.value);
    }
  }
  for (const { done, total } of progress) expect(done).toBeLessThanOrEqual(total);
  expect(progress.at(-1)).toMatchObject({ now: "done" });
  const text = tuneText(report);
  expect(text).toContain("Within both limits");
  expect(text).toContain("mean while it decodes 6 tokens after a prompt of 64");
  for (const { flags } of frontier) expect(text).toContain(`\n  ${shellWords(flags)}\n`);

  const again = await tune({ ...options, batch: 3 });
  const lasting = ({ seconds: _, conditions: __, ...rest }: typeof report) => rest;
  expect(lasting(again)).toEqual(lasting(report));
});

test("where nothing meets both limits, the nearest points are told", async () => {
  const few = { ...settings, windows: 2, policies: ["l2-norm"], protect: [[]], memory: 0.5, maxKl: 0 };
  const report = await tune({ ...options, settings: few });
  expect(report.frontier).toEqual([]);
  const [within, tolerable] = report.nearest;
  expect(within!.kvBytes.high).toBeLessThanOrEqual(report.limits.kvBytes);
  expect(tolerable).toMatchObject({ divergence: { high: 0 } });
  expect(tuneText(report)).toMatch(/^Nothing that was tried is within both limits/m);
});

test.each([
  [{ memory: 0 }, /memory/],
  [{ memory: Number.NaN }, /memory/],
  [{ maxKl: -1 }, /maxKl/],
  [{ windows: 1 }, /windows/],
  [{ policies: ["full"] }, /policies/],
  [{ protect: [] }, /protect/],
  [{ policies: ["lru"] }, /lru/],
  [{ protect: [[9]] }, /protectLayers/],
  [{ prompt: 1020 }, /prompt and tokens/],
])("%j is refused", async (some, message) => {
  await expect(tune({ ...options, settings: { ...settings, ...some } })).rejects.toThrow(message);
});

test("its signal ends it", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = ({ now }: { now: string }) => {
    if (now.startsWith("l2-norm")) controller.abort(reason);
  };
  await expect(tune({ ...options, signal: controller.signal, onProgress })).rejects.toBe(reason);
});

test.each([[[0, 1]], [[3]], [[]]])(
  "a server reads from the flags what was measured, protected: %j",
  async (protectLayers) => {
    const configuration = { policy: "snapkv>h2o", budget: 0.07, protectLayers };
    const flags = kvFlags(configuration, settings, { kvDtype: "f16" });
    const values = (flag: string) => flags.filter((_, i) => flags[i - 1] === flag);
    const [kvPolicy] = values("--kv-policy");
    const [kvBudget] = values("--kv-budget").map(Number);
    const read = await readPolicyFlags({
      kvPolicy: kvPolicy!,
      kvBudget: kvBudget!,
      kvOption: values("--kv-option"),
    });
    expect(read.choice).toEqual(policyChoice(configuration, settings, 0));
    expect(values("--kv-dtype")).toEqual(["f16"]);
    expect(shellWords(flags)).toContain("--kv-policy 'snapkv>h2o' --kv-budget 0.07 --kv-option");
    expect(shellWords(["it's"])).toBe(String.raw`'it'\''s'`);
  },
);

test("divergence that rises with the budget is told where it is no chance", () => {
  const judged = (budget: number, divergences: readonly number[], policy = "h2o") => ({
    configuration: { policy, budget, protectLayers: [] },
    samples: divergences.map((divergence) => ({ divergence, kvBytes: 1 })),
  });
  const points = [judged(0.5, [3, 4, 5]), judged(0.2, [2, 3, 4.1]), judged(0.9, [1, 2, 3])];
  expect(risesOf(points)).toEqual([{ policy: "h2o", protectLayers: [], fromBudget: 0.2, toBudget: 0.5 }]);
  expect(risesOf([judged(0.2, [1, 5, 2]), judged(0.5, [5, 1, 4])])).toEqual([]);
  expect(risesOf([judged(0.2, [2, 3, 4.1]), judged(0.5, [3, 4, 5], "tova")])).toEqual([]);
});
