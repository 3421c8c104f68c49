import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { RealServer } from "./real-server.ts";

/** How long it takes, and how many requests are under way at once. */
const seconds = Number(process.env.KVASIR_SOAK_SECONDS ?? 8);
const clients = 64;

/** Counts up with every number it gives, so that a run can be had again. */
function randomness(seed: number) {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const below = (count: number) => Math.floor(next() * count);
  return { below, chance: (share: number) => next() < share };
}

const stories = [
  "Once upon a time there was",
  "The old man looked at the sea and",
  "It was a dark night when the captain",
  "She opened the letter, which said that",
];

type Body = Readonly<Record<string, unknown>>;

/** Greedy, of one of many lengths, with a prefix that others have too, under one of several policies. */
function wellFormed({ below }: ReturnType<typeof randomness>): Body {
  const prompt = `${stories[below(4)]!} ${"and then ".repeat(below(12))}${stories[below(4)]!}`;
  const policies = [
    undefined,
    undefined,
    { policy: "l2-norm", budget: 32, recent: 8 },
    { policy: "snapkv", budget: 48, recent: 8 },
  ];
  const kv_cache = policies[below(4)];
  return { prompt, max_tokens: 8 + 40 * below(5), temperature: 0, ...(kv_cache && { kv_cache }) };
}

const malformed: readonly Body[] = [
  { prompt: "a", max_tokens: -1 },
  { prompt: "a", temperature: "hot" },
  { prompt: ["a", 3] },
  { prompt: "a", no_such_field: 1 },
  { prompt: "word ".repeat(5_000), max_tokens: 8 },
];

test(`${clients} clients for ${seconds} s, with cancellations and nonsense among them: every answer is the one alone, no page is lost`, {
  // Afterwards each different request is asked again alone: there are at most 2,880.
  timeout: (seconds + 900) * 1000,
}, async () => {
  // Pages for an eighth of what so many requests of 140 tokens would hold, so that some have to give way.
  const kvMemory = Math.floor((clients * 140 * 4352) / 8);
  const server = await RealServer.start({ kvCache: { memory: kvMemory } });
  const { engine } = server;
  const address = `${server.server.url}/v1/completions`;
  const post = (body: Body, signal?: AbortSignal) =>
    fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
  const textOf = async (response: Response) =>
    ((await response.json()) as { choices: { text: string }[] }).choices[0]!.text;

  const answers = new Map<string, Set<string>>();
  const counts = { answered: 0, refused: 0, cancelled: 0 };
  const loop = monitorEventLoopDelay({ resolution: 5 });
  const integrity = setInterval(() => engine.checkIntegrity(), 1000);
  const memory: NodeJS.MemoryUsage[] = [];
  const watch = setInterval(() => memory.push(process.memoryUsage()), 1000);
  loop.enable();
  const end = performance.now() + seconds * 1000;
  const client = async (number: number) => {
    const random = randomness(number + 1);
    while (performance.now() < end) {
      if (random.chance(0.1)) {
        const response = await post(malformed[random.below(malformed.length)]!);
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        await response.arrayBuffer();
        counts.refused += 1;
        continue;
      }
      const body = wellFormed(random);
      if (random.chance(0.15)) {
        const controller = new AbortController();
        const gone = post({ ...body, stream: random.chance(0.5) }, controller.signal).catch(() => {});
        await delay(random.below(60));
        controller.abort();
        await gone;
        counts.cancelled += 1;
        continue;
      }
      const response = await post(body);
      expect(response.status).toBe(200);
      const key = JSON.stringify(body);
      answers.set(key, (answers.get(key) ?? new Set()).add(await textOf(response)));
      counts.answered += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
    await expect.poll(() => engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
    loop.disable();
    const { preemptions, prefixHitTokens } = engine.stats();
    if (process.env.KVASIR_SOAK_SECONDS !== undefined) {
      const p99 = loop.percentile(99) / 1e6;
      console.log({ ...counts, different: answers.size, preemptions, prefixHitTokens, p99 });
      // Every half minute, in MB.
      const every30 = memory.filter((_, second) => second % 30 === 0 || second === memory.length - 1);
      console.table(
        every30.map((use) =>
          Object.fromEntries(Object.entries(use).map(([k, v]) => [k, Math.round(v / 1e6)])),
        ),
      );
    }
    // Whoever asked the same was told the same.
    for (const texts of answers.values()) expect(texts.size).toBe(1);
    // And alone, without anything cached, a request gives the text that it gave among all others.
    const most = process.env.KVASIR_SOAK_SECONDS === undefined ? 60 : answers.size;
    for (const [key, texts] of [...answers].slice(0, most)) {
      engine.resetCache();
      expect([...texts]).toEqual([await textOf(await post(JSON.parse(key) as Body))]);
    }
    engine.resetCache();
    expect(engine.checkIntegrity()).toMatchObject({ owned: 0, cached: 0, free: engine.info.pages });
    const parked = preemptions.recompute + preemptions.host + preemptions.file;
    expect(parked).toBeGreaterThan(0);
    expect(prefixHitTokens).toBeGreaterThan(0);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
  } finally {
    clearInterval(integrity);
    clearInterval(watch);
    await server.stop();
  }
});
