import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { AppClient, chat, hello } from "../tests/app-client.ts";

/** Gives what was set off time to happen. */
async function settled(client: AppClient): Promise<void> {
  for (let turn = 0; turn < 1000 && client.engine.active + client.app.inFlight.count > 0; turn += 1) {
    await delay(1);
  }
}

describe("a client that leaves", () => {
  it.each([0, 3])("ends its request before piece %i of a whole answer", async (hangAt) => {
    const client = new AppClient();
    client.engine.hangAt = hangAt;
    const browser = new AbortController();
    const response = client.post(chat, hello, { signal: browser.signal }).catch(() => {});
    while (client.engine.active === 0) await delay(1);
    browser.abort();
    await response;
    await settled(client);
    expect([client.engine.active, client.engine.aborted.length, client.app.inFlight.count]).toEqual([
      0, 1, 0,
    ]);
  });

  it("ends its request before the first event of a stream", async () => {
    const client = new AppClient();
    client.engine.hangAt = 0;
    const browser = new AbortController();
    const response = client
      .post(chat, { ...hello, stream: true }, { signal: browser.signal })
      .catch(() => {});
    while (client.engine.active === 0) await delay(1);
    browser.abort();
    await response;
    await settled(client);
    expect([client.engine.active, client.engine.aborted.length, client.app.inFlight.count]).toEqual([
      0, 1, 0,
    ]);
  });

  it.each([2, undefined])("ends its stream by closing it, with the engine hanging at %s", async (hangAt) => {
    const client = new AppClient();
    client.engine.hangAt = hangAt;
    const response = await client.post(chat, { ...hello, stream: true });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await settled(client);
    expect([client.engine.active, client.app.inFlight.count]).toEqual([0, 0]);
  });

  it("does not end another's request", async () => {
    const client = new AppClient();
    client.engine.hangAt = 2;
    const leaving = await client.post(chat, { ...hello, stream: true });
    client.engine.hangAt = undefined;
    const staying = await client.post(chat, { ...hello, stream: true });
    await leaving.body!.cancel();
    expect(await staying.text()).toContain("[DONE]");
  });
});

describe("a silent engine", () => {
  it("gets the stream's headers out and comments into it", async () => {
    const client = new AppClient({ headerDelay: 1, keepAlive: 1 });
    client.engine.hangAt = 0;
    const response = await client.post(chat, { ...hello, stream: true });
    expect(response.status).toBe(200);
    const reader = response.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(": keep-alive\n\n");
    await reader.cancel();
    await settled(client);
    expect(client.engine.active).toBe(0);
  });
});

describe("a shutdown", () => {
  it("ends streams with an event that says so, after it stopped waiting for them", async () => {
    const client = new AppClient();
    client.engine.hangAt = 2;
    const response = await client.post(chat, { ...hello, stream: true });
    const idle = client.app.inFlight.whenIdle();
    const text = response.text();
    await delay(5);
    client.app.inFlight.abort(new Error("the reason"));
    expect(await text).toMatch(/"code":"internal_error"\}\}\n\n$/);
    await idle;
  });
});
