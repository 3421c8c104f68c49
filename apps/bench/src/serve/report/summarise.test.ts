import { describe, expect, test } from "vitest";
import type { RequestRecord } from "../load/request-record.ts";
import { summarise } from "./summarise.ts";
import { timeSeriesOf } from "./time-series.ts";
import { violationsOf } from "./violations.ts";

/** A stream that was due at 1000, and had text after so many milliseconds. */
function record(after: readonly number[], more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    workload: "random",
    session: 0,
    turn: 0,
    behaviour: "plain",
    outcome: "completed",
    status: 200,
    arrivedAt: 1000,
    sentAt: 1001,
    endedAt: 1000 + (after.at(-1) ?? 0),
    times: after.map((ms) => 1000 + ms),
    outputTokens: after.length,
    ...more,
  };
}

const run = { start: 1000, dropped: 0, warmUp: 3 };
const usage = (prompt: number, output: number, cached?: number) => ({
  usage: { prompt, output, ...(cached !== undefined && { cached }) },
  outputTokens: output,
});

describe("a summary", () => {
  test("has latencies from the arrival, each gap, and the mean gap by the server's count", () => {
    const records = [record([100, 110, 130], usage(7, 5)), record([300, 300, 400])];
    const { latencies } = summarise(records, run, { slo: {} });
    expect(latencies.ttft).toMatchObject({ n: 2, p50: 100, max: 300 });
    expect(latencies.itl).toMatchObject({ n: 4, mean: 32.5, p50: 10, p90: 100 });
    // 30 ms for the four tokens after the first, and 100 for two.
    expect(latencies.tpot).toMatchObject({ n: 2, p50: 7.5, max: 50 });
    expect(latencies.e2e).toMatchObject({ p50: 130, max: 400 });
  });

  test("counts every request once, and only completed ones in latencies", () => {
    const records = [
      record([10]),
      record([1], { outcome: "cancelled", behaviour: "cancel" }),
      record([], { outcome: "refused", behaviour: "malformed", status: 400 }),
      record([], { outcome: "failed", status: 429, code: "overloaded" }),
      record([], { outcome: "failed", status: 429, code: "overloaded" }),
      record([], { outcome: "failed", status: 0, code: "ECONNRESET" }),
    ];
    const summary = summarise(records, { ...run, dropped: 4 }, { slo: { ttft: 50 } });
    expect(summary.requests).toEqual({
      sent: 6,
      completed: 1,
      cancelled: 1,
      refused: 1,
      failed: 3,
      dropped: 4,
      warmUp: 3,
    });
    expect(summary.latencies.ttft?.n).toBe(1);
    expect(summary.errors).toEqual([
      { status: 429, code: "overloaded", count: 2 },
      { status: 0, code: "ECONNRESET", count: 1 },
    ]);
    // One of a completed, three failed and four dropped ones.
    expect(summary.goodput).toMatchObject({ good: 1, share: 1 / 8 });
  });

  test("has rates over the time from the start to the last end", () => {
    const summary = summarise([record([500, 2000], usage(60, 10)), record([100], usage(40, 2))], run, {
      slo: {},
    });
    expect(summary.seconds).toBe(2);
    expect(summary.rates).toEqual({ requests: 1, prompt: 50, output: 6 });
  });

  test("takes the hit rate from answers that report both counts", () => {
    const rate = (...records: RequestRecord[]) => summarise(records, run, { slo: {} }).tokens.hitRate;
    expect(rate(record([1], usage(30, 1, 15)), record([1], usage(70, 1, 0)), record([1], usage(9, 1)))).toBe(
      0.15,
    );
    expect(rate(record([1]))).toBeUndefined();
  });

  test("knows which requests keep all limits: no gap above that of itl", () => {
    const records = [record([10, 20, 30]), record([10, 90, 100]), record([60, 70, 80])];
    const goodput = (slo: object) => summarise(records, run, { slo }).goodput;
    expect(goodput({ ttft: 50, itl: 50 })).toMatchObject({ good: 1, share: 1 / 3 });
    expect(goodput({ e2e: 90 })).toMatchObject({ good: 2 });
    expect(goodput({})).toBeUndefined();
  });

  test("of nothing has no latencies and no rates", () => {
    expect(summarise([], run, { slo: {} })).toMatchObject({
      seconds: 0,
      latencies: {},
      rates: { output: 0 },
    });
  });
});

test("a time series puts each token, prompt and open request where it was", () => {
  const records = [
    record([500, 1500, 2500], { ...usage(10, 6), endedAt: 3500 }),
    record([1600], { ...usage(20, 1), endedAt: 2700 }),
  ];
  const { step, outputRate, promptRate, open } = timeSeriesOf(records, 1000, 61_000);
  expect(step).toBe(1);
  expect(outputRate.slice(0, 4)).toEqual([2, 3, 2, 0]);
  expect(promptRate.slice(0, 3)).toEqual([10, 20, 0]);
  expect(open.slice(0, 3)).toEqual([2, 1, 0]);
});

describe("violations", () => {
  const failed = (status: number, more: Partial<RequestRecord> = {}) =>
    record([], { outcome: "failed", status, ...more });

  test.each([
    [400, 0],
    [429, 0],
    [503, 0],
    [500, 1],
    [502, 1],
    [200, 1],
    [0, 1],
  ])("a failure with status %d makes %d", (status, count) => {
    expect(violationsOf([record([1]), failed(status)], undefined)).toHaveLength(count);
  });

  test("say what was accepted, what differs, and that nothing was done", () => {
    const accepted = failed(200, { behaviour: "malformed" });
    const check = { compared: 2, differences: [{ body: {}, underLoad: "a", alone: "b" }] };
    expect(violationsOf([accepted], check)).toEqual([
      expect.stringMatching(/^1 malformed/),
      expect.stringMatching(/^1 of 2 greedy/),
      "no request was completed",
    ]);
    expect(violationsOf([record([1])], { compared: 0, differences: [] })).toHaveLength(1);
  });
});
