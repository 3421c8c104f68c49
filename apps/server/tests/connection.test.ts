import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../src/start-server.ts";
import { chat, hello } from "./app-client.ts";
import { FakeEngine } from "./fake-engine.ts";

let engine: FakeEngine;
let server: RunningServer;

beforeEach(async () => {
  engine = new FakeEngine();
  server = await startServer(engine, { port: 0, bodyLimit: 10_000, headerDelay: 50 });
});
afterEach(async () => await server.stop());

function post(body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(server.url + chat, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !condition(); turn += 1) await delay(1);
  expect(condition()).toBe(true);
}

/** What the server says to these bytes, up to the end of the connection. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  let answer = "";
  socket.on("data", (data) => {
    answer += data;
  });
  socket.write(bytes);
  await once(socket, "close");
  return answer;
}

describe("a connection that closes", () => {
  it.each([
    ["a whole answer, queued", { hangAt: 0 }, false],
    ["a whole answer, under way", { hangAt: 3 }, false],
    ["a stream, queued", { hangAt: 0 }, true],
    ["a stream, under way", { hangAt: 3 }, true],
  ])("ends %s", async (_, { hangAt }, stream) => {
    engine.hangAt = hangAt;
    const client = new AbortController();
    const response = post({ ...hello, stream }, client.signal);
    const gone = response.then((answer) => answer.text()).catch(() => "gone");
    await until(() => engine.active === 1);
    await delay(20);
    client.abort();
    await until(() => engine.active === 0);
    expect(engine.aborted).toHaveLength(1);
    expect(await gone).toBe("gone");
    engine.hangAt = undefined;
    expect((await post(hello)).status).toBe(200);
  });

  it("in the middle of its body does no harm", async () => {
    const socket = connect(server.port, "127.0.0.1");
    socket.write(
      `POST ${chat} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"me`,
    );
    await delay(20);
    socket.destroy();
    await once(socket, "close");
    expect((await post(hello)).status).toBe(200);
    expect(engine.requests).toHaveLength(1);
  });
});

describe("over a real connection", () => {
  it("a body over the limit is a 413, whether its length is told or not", async () => {
    const large = "x".repeat(100_000);
    expect((await post(large)).status).toBe(413);
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(large));
        controller.close();
      },
    });
    const init = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      duplex: "half" as const,
    };
    expect((await fetch(server.url + chat, init)).status).toBe(413);
    expect((await post(hello)).status).toBe(200);
  });

  it("HTTP/1.0 without a Host, as load balancers ask for health, is answered", async () => {
    expect(await raw("GET /health HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ["not HTTP", "hello\r\n\r\n"],
    ["a wrong host", "GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["two lengths", "GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
  ])("%s is a 400 with a JSON body", async (_, bytes) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"malformed_request"');
  });
});

describe("stopping", () => {
  it("lets a stream finish and takes no more requests", async () => {
    engine.hangAt = 4;
    const response = await post({ ...hello, stream: true });
    const stopped = server.stop(60_000);
    await expect(post(hello)).rejects.toThrow();
    engine.release();
    expect(await response.text()).toContain("[DONE]");
    await stopped;
  });

  it("ends what is not done in time, with an error that says why", async () => {
    engine.hangAt = 2;
    const stream = await post({ ...hello, stream: true });
    const whole = post(hello);
    await until(() => engine.active === 2);
    await server.stop(30);
    expect(await stream.text()).toMatch(/"code":"shutting_down"\}\}\n\n$/);
    expect((await whole).status).toBe(503);
  });

  it("waits no longer once told so again", async () => {
    engine.hangAt = 2;
    const stream = await post({ ...hello, stream: true });
    const stopped = server.stop(60_000);
    await server.stop(0);
    await stopped;
    expect(await stream.text()).toContain("shutting_down");
  });
});
