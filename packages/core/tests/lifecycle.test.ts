import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { Engine } from "../src/index.ts";
import { tiny } from "./checkpoints.ts";

const run = promisify(execFile);
const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
const long = { prompt: "Once upon a time", maxTokens: 900, temperature: 0, ignoreEos: true } as const;

/** Runs a module that imports the built package, in a process of its own. */
async function script(
  source: string,
  { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {},
): Promise<Record<string, number>> {
  const code = source.replaceAll("ENGINE", JSON.stringify(built)).replaceAll("TINY", JSON.stringify(tiny));
  const args = [...flags, "--expose-gc", "--input-type=module", "--eval", code];
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env }, timeout: 110_000 });
  return JSON.parse(stdout);
}

test("leaving the loop, or the signal, ends a request, gives its pages back and disturbs no other", async () => {
  await using engine = await Engine.load({ model: tiny, kvCache: { memory: "24MiB" } });
  const alone = await engine.complete({ ...long, maxTokens: 60 });
  const other = engine.complete({ ...long, maxTokens: 60 });
  for await (const chunk of engine.generate(long)) if (chunk.ids.length > 0) break;
  const controller = new AbortController();
  const reason = new Error("enough");
  const aborted = (async () => {
    for await (const _ of engine.generate({ ...long, signal: controller.signal })) controller.abort(reason);
  })();
  await expect(aborted).rejects.toBe(reason);
  await expect(engine.complete({ ...long, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect((await other).ids).toEqual(alone.ids);
  expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
});

test("a reader that does not read is not run ahead of, holds up no other, and misses nothing", async () => {
  await using engine = await Engine.load({ model: tiny, kvCache: { memory: "24MiB" } });
  const far = { ...long, maxTokens: 700 };
  const whole = await engine.complete(far);
  const before = engine.stats().generatedTokens;
  const slow = engine.generate(far);
  const ids = [...(await slow.next()).value!.ids];
  await vi.waitFor(() => expect(engine.stats().paused).toBe(1), 30_000);
  const paused = engine.stats().generatedTokens;
  expect(paused - before).toBeLessThan(300);
  expect((await engine.complete({ ...long, maxTokens: 5 })).ids).toEqual(whole.ids.slice(0, 5));
  expect(engine.stats()).toMatchObject({ running: 1, paused: 1, generatedTokens: paused + 5 });
  for await (const chunk of slow) ids.push(...chunk.ids);
  expect(ids).toEqual(whole.ids);
});

test("leaving, aborting and disposing end requests whose readers are behind", async () => {
  const engine = await Engine.load({ model: tiny, kvCache: { memory: "24MiB" } });
  const controller = new AbortController();
  const [left, aborted, disposed] = [{}, { signal: controller.signal }, {}].map((fields) =>
    engine.generate({ ...long, ...fields }),
  );
  for (const stream of [left, aborted, disposed]) await stream!.next();
  await vi.waitFor(() => expect(engine.stats().paused).toBe(3), 30_000);
  await left!.return();
  await vi.waitFor(() => expect(engine.stats().running).toBe(2));
  controller.abort(new Error("enough"));
  await vi.waitFor(() => expect(engine.stats().running).toBe(1));
  await engine.dispose();
  const rest = async () => {
    for await (const _ of disposed!);
  };
  await expect(rest()).rejects.toMatchObject({ code: "disposed" });
});

test("a request that waits can be aborted, and runs when there is room", async () => {
  await using engine = await Engine.load({ model: tiny, maxRunning: 1, kvCache: { memory: "24MiB" } });
  const controller = new AbortController();
  const first = engine.complete({ ...long, maxTokens: 40 });
  const second = engine.complete({ ...long, signal: controller.signal });
  const third = engine.complete({ ...long, maxTokens: 3 });
  const refused = expect(second).rejects.toThrow("not now");
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(engine.stats().waiting).toBe(2);
  controller.abort(new Error("not now"));
  expect(engine.stats().waiting).toBe(1);
  await refused;
  expect((await first).ids).toHaveLength(40);
  expect((await third).ids).toHaveLength(3);
});

test("dispose ends what runs and what waits, is idempotent, and later requests are refused", async () => {
  const engine = await Engine.load({ model: tiny, maxRunning: 1, kvCache: { memory: "24MiB" } });
  const requests = [engine.complete(long), engine.complete(long)];
  const ends = requests.map((request) => expect(request).rejects.toMatchObject({ code: "disposed" }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await Promise.all([engine.dispose(), engine.dispose()]);
  await Promise.all(ends);
  await expect(engine.complete(long)).rejects.toMatchObject({ code: "disposed" });
});

test("100 times load, generate, dispose: memory grows by less than 2 %", { timeout: 120_000 }, async () => {
  const { growth } = await script(
    `
    import { Engine } from ENGINE;
    async function once() {
      const engine = await Engine.load({ model: TINY, kvCache: { memory: "16MiB" } });
      await engine.complete({ prompt: "Once upon a time", maxTokens: 8, temperature: 0 });
      await engine.dispose();
    }
    // The least of ten samples: what is there for good, not what the allocators hold at one moment.
    async function least() {
      let rss = Infinity;
      for (let i = 0; i < 10; i++) {
        await once();
        for (let j = 0; j < 3; j++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
        rss = Math.min(rss, process.memoryUsage.rss());
      }
      return rss;
    }
    for (let i = 0; i < 150; i++) await once(); // until the runtime has settled
    // What leaks grows in each of three rounds; a heap that finds its size later than usual does not.
    let growth = Infinity;
    for (let round = 0; round < 3 && growth >= 1.02; round++) {
      const before = await least();
      for (let i = 0; i < 90; i++) await once();
      growth = Math.min(growth, (await least()) / before);
    }
    console.log(JSON.stringify({ growth }));`,
    // Without the optimiser's code and a young generation that finds its size, which come and go as they please.
    { flags: ["--no-opt", "--max-semi-space-size=1"] },
  );
  expect(growth).toBeLessThan(1.02);
});

test("a process with a live engine exits by itself", async () => {
  const { tokens } = await script(`
    import { Engine } from ENGINE;
    const engine = await Engine.load({ model: TINY, kvCache: { memory: "16MiB" } });
    const { ids } = await engine.complete({ prompt: "Once", maxTokens: 3, temperature: 0, ignoreEos: true });
    console.log(JSON.stringify({ tokens: ids.length }));`);
  expect(tokens).toBe(3);
});

test("the event loop and the thread pool stay free while eight prompts of 1,000 tokens are read", async () => {
  const { turns, steps, read } = await script(
    `
    import { readFile } from "node:fs/promises";
    import { Engine } from ENGINE;
    const engine = await Engine.load({ model: TINY, kvCache: { memory: "80MiB" } });
    const prompts = Array.from({ length: 8 }, (_, i) => Int32Array.from({ length: 1000 }, (_, j) => 5 + ((i * 7 + j * 31) % 4000)));
    let reading = true, turns = 0, read = 0;
    const tick = () => { turns += 1; if (reading) setImmediate(tick); };
    setImmediate(tick);
    const answers = Promise.all(prompts.map((prompt) => engine.complete({ prompt, maxTokens: 1, ignoreEos: true })));
    answers.then(() => { reading = false; });
    while (reading && read < 20) { await readFile(TINY + "/config.json"); read += 1; }
    await answers;
    console.log(JSON.stringify({ turns, read, steps: engine.stats().steps }));
    await engine.dispose();`,
    { env: { UV_THREADPOOL_SIZE: "1" } },
  );
  expect(read).toBe(20);
  // A loop that waited for each step would turn about once a step.
  expect(turns! / steps!).toBeGreaterThan(50);
});
