import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AppClient, completions, jsonOf } from "../tests/app-client.ts";
import { EngineEvents } from "./engine-events.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

type Decode = { status: string; running: number; last_token_age_seconds: number | null };

function logged() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) });
  return { lines, logger };
}

describe("/health/decode", () => {
  it("tells idle, ok and stalled apart, and how old the last token is", async () => {
    const client = new AppClient({ stallLimit: 10_000 });
    const decode = () => jsonOf<Decode>(client.get("/health/decode"));
    expect(await decode()).toEqual({
      status: "idle",
      running: 0,
      last_token_age_seconds: null,
      stall_threshold_seconds: 10,
    });
    await client.post(completions, { prompt: "a" });
    expect((await decode()).last_token_age_seconds).toBeGreaterThanOrEqual(0);
    client.engine.busy = { running: 1, steps: 1, lastTick: performance.now() };
    expect(await decode()).toMatchObject({ status: "ok", running: 1 });
  });

  it("and readiness say 503 when the loop has not turned for too long, though steps were seen", async () => {
    const { lines, logger } = logged();
    const client = new AppClient({ stallLimit: 1000, logger });
    const status = async (path: string) => (await client.get(path)).status;
    const clock = vi.spyOn(performance, "now").mockReturnValue(50_000);
    client.engine.busy = { running: 1, steps: 1, lastTick: 49_900 };
    expect(await status("/health/decode")).toBe(200);
    clock.mockReturnValue(51_500);
    client.engine.busy = { running: 1, steps: 2, lastTick: 49_900 };
    expect(await status("/health/decode")).toBe(503);
    expect(await status("/health/ready")).toBe(503);
    expect(await status("/health")).toBe(200);
    client.engine.busy = {};
    expect(await status("/health/ready")).toBe(200);
    expect(lines.map(({ msg }) => msg)).toEqual(["the engine stalls", "the engine goes on"]);
  });

  it("does not take a long rest for a stall", async () => {
    const client = new AppClient({ stallLimit: 1000 });
    vi.spyOn(performance, "now").mockReturnValue(50_000);
    client.engine.busy = { lastTick: 0 };
    expect((await client.get("/health/ready")).status).toBe(200);
    client.engine.busy = { running: 1, lastTick: 0 };
    expect((await client.get("/health/ready")).status).toBe(200);
  });
});

describe("the log", () => {
  it("has a line for each preemption and resumption, and for nothing else that the engine does", () => {
    const { lines, logger } = logged();
    const events = new EngineEvents();
    new AppClient({ events, logger });
    events.receive({ type: "step", milliseconds: 1, tokens: 1, promptTokens: 0, running: 1 });
    events.receive({ type: "preempted", id: "a", way: "host", tokens: 9, kvUsage: 0.9, preemptions: 2 });
    events.receive({ type: "resumed", id: "a", way: "host", tokens: 9 });
    expect(lines).toEqual([
      { level: 30, id: "a", way: "host", tokens: 9, kvUsage: 0.9, preemptions: 2, msg: "preempted" },
      { level: 30, id: "a", way: "host", tokens: 9, msg: "resumed" },
    ]);
  });
});
