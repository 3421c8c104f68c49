import { EngineError } from "@kvasir/core";
import { describe, expect, it } from "vitest";
import { AppClient, completions, errorOf } from "../tests/app-client.ts";
import { samplesOf } from "../tests/exposition.ts";
import { Throughput } from "./throughput.ts";

const ask = (client: AppClient, init: RequestInit = {}) => client.post(completions, { prompt: "a" }, init);

describe("a full queue", () => {
  it.each([
    [{ maxWaiting: 2 }, { waiting: 2 }, { waiting: 1 }, "requests"],
    [{ maxWaitingTokens: 100 }, { waitingTokens: 100 }, { waitingTokens: 99 }, "tokens"],
  ] as const)("of %j refuses %j with 429, and takes %j", async (options, full, free, reason) => {
    const client = new AppClient(options);
    client.engine.busy = full;
    const refused = await ask(client);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await errorOf(refused)).toMatchObject({ code: "overloaded", type: "rate_limit_error" });
    client.engine.busy = free;
    expect((await ask(client)).status).toBe(200);
    const metrics = samplesOf(await (await client.get("/metrics")).text());
    expect(metrics.get(`kvasir_admission_rejections_total{reason="${reason}"}`)).toBe(1);
  });

  it("reads nothing of the body", async () => {
    const client = new AppClient({ maxWaiting: 1 });
    client.engine.busy = { waiting: 1 };
    let read = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          read += 1;
          controller.enqueue(new Uint8Array(1024));
        },
      },
      { highWaterMark: 0 },
    );
    const refused = await ask(client, { body, duplex: "half" } as RequestInit);
    expect([refused.status, read]).toEqual([429, 0]);
  });

  it("still answers what takes no room", async () => {
    const client = new AppClient({ maxWaiting: 1 });
    client.engine.busy = { waiting: 1 };
    for (const path of ["/v1/models", "/health/ready", "/metrics"]) {
      expect((await client.get(path)).status).toBe(200);
    }
  });

  it("counts no request that was shut out", async () => {
    const client = new AppClient();
    client.app.inFlight.draining = true;
    expect((await ask(client)).status).toBe(503);
    const metrics = samplesOf(await (await client.get("/metrics")).text());
    expect(metrics.get('kvasir_admission_rejections_total{reason="draining"}')).toBe(1);
    expect(metrics.get("kvasir_request_params_n_count")).toBe(0);
  });
});

describe("Retry-After", () => {
  it("is what waits at the measured pace, from 1 to 60 seconds, for refusals of the engine too", async () => {
    const client = new AppClient();
    client.engine.busy = { promptTokens: 0 };
    await ask(client);
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.engine.failure = new EngineError("overloaded", "full");
    for (const [waitingTokens, seconds] of [
      [0, "1"],
      [1e12, "60"],
    ] as const) {
      client.engine.busy = { promptTokens: 1000, waitingTokens };
      const refused = await ask(client);
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, seconds]);
    }
  });

  it("goes by the last half minute", () => {
    const throughput = new Throughput();
    expect(throughput.perSecond(0, 0)).toBeUndefined();
    throughput.observe(0, 0);
    throughput.observe(50, 100); // too close to the one before to count
    expect(throughput.perSecond(1000, 10_000)).toBe(100);
    throughput.observe(1000, 10_000);
    expect(throughput.perSecond(1000, 35_000)).toBeUndefined();
    expect(throughput.perSecond(1500, 35_000)).toBe(20);
  });
});

describe("a deadline", () => {
  it("is the server's where the request has none", async () => {
    const client = new AppClient({ requestDeadline: 1500 });
    await ask(client);
    await ask(new AppClient());
    expect(client.engine.requests[0]?.deadline).toBe(1500);
  });

  it("that passes is a 504, which clients do not try again", async () => {
    const client = new AppClient();
    client.engine.failure = new EngineError("deadline-exceeded", "deadline: 1500 ms are over");
    const late = await ask(client);
    expect([late.status, late.headers.get("x-should-retry")]).toEqual([504, "false"]);
    expect(await errorOf(late)).toMatchObject({ code: "deadline_exceeded", type: "server_error" });
  });
});
