import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { EngineEvent, EngineOptions, EngineStats, GenerateRequest } from "@kvasir/core";
import { afterEach, expect, test, vi } from "vitest";
import { RealServer } from "./real-server.ts";

type StepEvent = Extract<EngineEvent, { type: "step" }>;
/** The end of a step as the engine tells of it, and what was held then. */
type Seen = { readonly step: StepEvent; readonly stats: EngineStats; readonly received: boolean };
type Answer = { readonly choices: readonly { readonly text: string; readonly finish_reason: string }[] };

const ids = (length: number, step: number) => Array.from({ length }, (_, i) => 5 + ((i * step) % 400));
const greedy = { temperature: 0, ignore_eos: true };
const staying = { ...greedy, prompt: ids(20, 7), max_tokens: 300 };
/** Would hold its pages for 1,000 steps and more if nobody noticed. */
const leaving = {
  ...greedy,
  prompt: ids(700, 3),
  max_tokens: 100_000,
  context_overflow: "stream",
  kv_cache: { budget: 64 },
};

const short = { ...greedy, prompt: ids(20, 11), max_tokens: 4 };

const places: readonly {
  place: string;
  engine: Partial<EngineOptions>;
  stream: boolean;
  isThere: (seen: Seen) => boolean;
}[] = [true, false].flatMap((stream) => [
  {
    place: "queued",
    engine: { maxRunning: 1 },
    stream,
    isThere: ({ stats }) => stats.waiting === 1,
  },
  {
    place: "in the middle of its prompt",
    // One token of its prompt in a step: hundreds of steps to notice that it has left.
    engine: { stepTokens: 2 },
    stream,
    isThere: ({ step, stats }) => step.running === 2 && step.promptTokens === 1 && stats.logicalTokens > 100,
  },
  {
    place: "in the middle of its answer",
    engine: {},
    stream,
    isThere: ({ step, received }) =>
      step.running === 2 && step.tokens === 2 && step.promptTokens === 0 && received === stream,
  },
]);

let real: RealServer | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await real?.stop();
  real = undefined;
});

function post(body: object): ClientRequest {
  const headers = { "Content-Type": "application/json" };
  const asked = request(`${real!.server.url}/v1/completions`, { method: "POST", headers, agent: false });
  asked.end(JSON.stringify(body));
  return asked;
}

async function complete(body: object): Promise<Answer["choices"][number]> {
  const [response] = (await once(post(body), "response")) as [IncomingMessage];
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += piece;
  return (JSON.parse(text) as Answer).choices[0]!;
}

test.each(places)(
  "who disconnects $place (stream: $stream) gives its pages back within a step, and another's text is the one alone",
  { timeout: 300_000 },
  async ({ engine: limits, stream, isThere }) => {
    let stepped = (_: StepEvent) => {};
    real = await RealServer.start({
      ...limits,
      stepMilliseconds: 60_000, // so that no chunk depends on how fast the machine is
      integrity: "step",
      onEvent: (event) => event.type === "step" && stepped(event),
    });
    const { engine } = real;
    const generate = engine.generate.bind(engine);
    const alone = await complete(staying);
    expect(alone.finish_reason).toBe("length");

    for (const [kind, disconnect] of [
      ["closes", (client: ClientRequest) => void client.destroy()],
      ["resets", (client: ClientRequest) => void client.socket?.resetAndDestroy()],
    ] as const) {
      engine.resetCache();
      const seen: Seen[] = [];
      /** How many steps had ended when the engine was told. */
      let told: number | undefined;
      vi.spyOn(engine, "generate").mockImplementation((asked: GenerateRequest) => {
        if (asked.maxTokens === leaving.max_tokens)
          asked.signal?.addEventListener("abort", () => {
            told ??= seen.length;
          });
        return generate(asked);
      });
      let client: ClientRequest | undefined;
      let received = false;
      let gone: Promise<unknown> | undefined;
      stepped = (step) => {
        if (!client) {
          client = post({ ...leaving, stream });
          gone = new Promise((resolve) => client!.once("close", resolve));
          client.on("error", () => {}); // it was ended, so it hangs up
          client.on("response", (response) => {
            response.on("error", () => {});
            response.on("data", () => {
              received = true;
            });
          });
        }
        seen.push({ step, stats: engine.stats(), received });
        if (!client.destroyed && isThere(seen.at(-1)!)) disconnect(client);
      };
      expect(await complete(staying), kind).toEqual(alone);
      await gone;
      stepped = () => {};

      // It was where it is said to be until the very step before.
      expect(told, kind).toBeGreaterThan(0);
      expect(isThere(seen[told! - 1]!), kind).toBe(true);
      // The step that was under way may still have had it.
      const after = seen.slice(told! + 1).map(({ stats }) => stats);
      expect(after.length).toBeGreaterThan(0);
      const most = (of: (stats: EngineStats) => number) => Math.max(...after.map(of));
      expect([most(({ running }) => running), most(({ waiting }) => waiting)], kind).toEqual([1, 0]);
      const heads = engine.info.kvLayers * engine.info.kvHeads;
      const ownPages = heads * Math.ceil((20 + 300 + 1) / engine.info.pageTokens);
      expect(most(({ usedPages }) => usedPages)).toBeLessThanOrEqual(ownPages);
      expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
      expect(engine.checkIntegrity()).toMatchObject({ owned: 0 });
      expect((await complete(short)).finish_reason).toBe("length");
    }
  },
);
