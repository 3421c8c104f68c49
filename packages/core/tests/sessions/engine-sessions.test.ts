import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  Engine,
  type EngineEvent,
  type EngineOptions,
  type GenerateRequest,
  type SessionTarget,
} from "../../src/index.ts";
import { checkpoint, recordedPrompt, tiny } from "../checkpoints.ts";
import { outcome } from "../outcome.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "kvasir-sessions-"));
  file = path.join(folder, "chat.kv");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const greedy = { maxTokens: 12, temperature: 0, ignoreEos: true, logprobs: 1 } as const;
const load = (options: EngineOptions) =>
  Engine.load({ integrity: "step", onWarning: (text) => expect.fail(text), ...options });
const promptOf = (model: string, length: number, step = 1): number[] => {
  const recorded = recordedPrompt(model);
  return Array.from({ length }, (_, i) => recorded[(i * step) % recorded.length]!);
};

describe.each<[string, EngineOptions]>([
  ["tiny", { model: tiny, kvCache: { memory: "16MiB" } }],
  [
    "tiny in f32 pages of 32 tokens",
    { model: tiny, kvCache: { memory: "32MiB", dtype: "f32", pageTokens: 32 } },
  ],
  ["lckv-w2", { model: checkpoint("lckv-w2"), kvCache: { memory: "4MiB" }, chunkTokens: 16 }],
  [
    "the interpreter",
    { model: checkpoint("llama-gqa"), kvCache: { memory: "4MiB" }, backend: "interpreter" },
  ],
])("%s", (_, options) => {
  const prompt = promptOf(options.model, 75);
  const named = { prompt, session: "chat", tenant: "alice", ...greedy } as const;

  test("a conversation goes on after a restart where it was, to the last bit", async () => {
    let next: number[];
    let saved: Awaited<ReturnType<Engine["save"]>>;
    let expected: ReturnType<typeof outcome>;
    {
      await using engine = await load(options);
      const first = await engine.complete(named);
      saved = await engine.save({ session: "chat", tenant: "alice", path: file });
      next = [...prompt, ...first.ids, ...promptOf(options.model, 9, 7)];
      const warm = await engine.complete({ ...named, prompt: next });
      expect(warm.usage.cachedTokens).toBe(saved.tokens);
      expected = outcome(warm);
    }
    expect(saved.tokens).toBeGreaterThanOrEqual(64);
    await using later = await load(options);
    const restored = await later.restore({ session: "chat", tenant: "alice", path: file });
    expect(restored).toMatchObject({ tokens: saved.tokens, bytes: saved.bytes });
    expect(later.stats()).toMatchObject({ sessions: 1, usedPages: 0 });
    const answer = await later.complete({ ...named, prompt: next });
    expect(answer.usage.cachedTokens).toBe(saved.tokens);
    expect(outcome(answer)).toEqual(expected);
    expect(later.checkIntegrity().owned).toBe(0);
    // What was restored under the name can be saved again.
    expect(await later.save({ session: "chat", tenant: "alice", path: file })).toMatchObject({
      tokens: expect.any(Number),
    });
  });

  test("a whole cache survives a restart, and each tenant finds its own", async () => {
    const requests: GenerateRequest[] = [
      named,
      { ...named, prompt: [...prompt.slice(0, 40), ...promptOf(options.model, 40, 5)] },
      { ...named, tenant: "bob", prompt: promptOf(options.model, 70, 3) },
      { ...named, cacheSalt: "x", prompt: promptOf(options.model, 50, 9) },
    ];
    const answers: ReturnType<typeof outcome>[] = [];
    {
      await using engine = await load(options);
      for (const request of requests) answers.push(outcome(await engine.complete(request)));
      const { entries, tokens } = await engine.saveCache(file);
      expect(entries).toBe(4);
      expect(tokens).toBe(engine.resetCache());
    }
    await using later = await load(options);
    await later.loadCache(file);
    for (const [i, request] of requests.entries()) {
      const others = await later.complete({ ...request, tenant: "carol", cachePrompt: true, maxTokens: 1 });
      if (i === 0) expect(others.usage.cachedTokens).toBe(0);
      const answer = await later.complete(request);
      expect(answer.usage.cachedTokens).toBeGreaterThan(30);
      expect(outcome(answer)).toEqual(answers[i]);
    }
  });
});

test.each<[string, EngineOptions]>([
  ["tiny", { model: tiny, kvCache: { memory: "16MiB" } }],
  ["lckv-w2", { model: checkpoint("lckv-w2"), kvCache: { memory: "4MiB" }, chunkTokens: 16 }],
])("%s: damaged files are refused, and requests do not notice", async (_, options) => {
  const prompt = promptOf(options.model, 75);
  const named = { prompt, session: "chat", tenant: "alice", ...greedy } as const;
  await using engine = await load(options);
  const target = { session: "chat", tenant: "alice", path: file };
  const long = { ...named, session: "long", prompt: promptOf(options.model, 60, 3), maxTokens: 100 };
  const alone = outcome(await engine.complete(long));
  engine.resetCache();
  const first = await engine.complete(named);
  await engine.save(target);
  engine.resetCache();
  const good = await readFile(file);
  let isRunning = true;
  const answers: ReturnType<typeof outcome>[] = [];
  const running = (async () => {
    while (isRunning) answers.push(outcome(await engine.complete(long)));
  })();
  const step = Math.floor(good.length / 50);
  for (let at = 0; at < good.length; at += at < 700 ? 29 : step) {
    const flipped = Buffer.from(good);
    flipped[at]! ^= 1 << (at % 8);
    for (const bytes of [flipped, good.subarray(0, at)]) {
      await writeFile(file, bytes);
      await expect(engine.restore(target), `byte ${at}`).rejects.toMatchObject({
        code: "session-refused",
        reason: "corrupt",
      });
      expect(engine.stats().sessions).toBeLessThanOrEqual(1);
    }
  }
  isRunning = false;
  await running;
  for (const answer of answers) expect(answer).toEqual(alone);
  expect((await engine.complete({ ...named, maxTokens: 1 })).usage.cachedTokens).toBeLessThan(16);
  engine.resetCache();
  await writeFile(file, good);
  const { tokens } = await engine.restore(target);
  const again = await engine.complete(named);
  expect(again.usage.cachedTokens).toBeGreaterThanOrEqual(Math.min(tokens, 64));
  expect(outcome(again)).toEqual(outcome(first));
  expect(engine.checkIntegrity().owned).toBe(0);
});

describe("the engine", () => {
  const model = checkpoint("llama-gqa");
  const options = { model, kvCache: { memory: "4MiB" } } as const;
  const prompt = promptOf(model, 60);
  const chat = (): SessionTarget => ({ session: "chat", path: file });

  test("refuses files of another number format, model and tenant", async () => {
    await using engine = await load(options);
    await engine.complete({ prompt, session: "chat", tenant: "alice", ...greedy });
    await engine.save({ ...chat(), tenant: "alice" });
    await expect(engine.restore({ ...chat(), tenant: "bob" })).rejects.toMatchObject({
      message: "other-tenant: the file was not written for this tenant and salt",
    });
    await expect(engine.save({ ...chat(), tenant: "bob" })).rejects.toMatchObject({ reason: "not-found" });
    await using f32 = await load({ model, kvCache: { memory: "4MiB", dtype: "f32" } });
    await expect(f32.restore({ ...chat(), tenant: "alice" })).rejects.toMatchObject({
      code: "session-refused",
      message:
        "other-format: the file was written with f16 keys and values, this cache has f32 keys and values",
    });
    await using other = await load({ model: checkpoint("cla2"), kvCache: { memory: "4MiB" } });
    await expect(other.restore({ ...chat(), tenant: "alice" })).rejects.toMatchObject({
      reason: "other-model",
    });
    await using off = await load({ ...options, prefixCache: false });
    await expect(off.restore({ ...chat(), tenant: "alice" })).rejects.toMatchObject({
      code: "invalid-request",
      param: "prefixCache",
    });
    for (const one of [engine, f32, other, off]) expect(one.checkIntegrity().owned).toBe(0);
  });

  test("a tenant's restored prefix is nobody else's", async () => {
    {
      await using engine = await load(options);
      await engine.complete({ prompt, session: "chat", tenant: "alice", ...greedy });
      await engine.save({ ...chat(), tenant: "alice" });
    }
    await using later = await load(options);
    await later.restore({ ...chat(), tenant: "alice" });
    const cachedFor = async (owner: Pick<GenerateRequest, "tenant" | "cacheSalt">) =>
      (await later.complete({ prompt, ...owner, ...greedy, maxTokens: 1 })).usage.cachedTokens;
    expect(await cachedFor({ tenant: "bob" })).toBe(0);
    expect(await cachedFor({ tenant: "" })).toBe(0);
    expect(await cachedFor({ tenant: "alice", cacheSalt: "x" })).toBe(0);
    expect(await cachedFor({ tenant: "alice" })).toBe(59);
  });

  test("tells of saves, restores and refusals, and counts and forgets sessions", async () => {
    const events: EngineEvent[] = [];
    await using engine = await load({ ...options, onEvent: (event) => events.push(event) });
    await expect(engine.save(chat())).rejects.toMatchObject({ reason: "not-found" });
    await engine.complete({ prompt, session: "chat", ...greedy });
    await engine.save(chat());
    await engine.restore(chat());
    await engine.saveCache(path.join(folder, "all.kv"));
    const told = events.filter(({ type }) => !["step", "admitted"].includes(type));
    const numbers = { tokens: 64, bytes: expect.any(Number), milliseconds: expect.any(Number) };
    expect(told).toEqual([
      { type: "refused-session", session: "chat", reason: "not-found" },
      { type: "saved", session: "chat", ...numbers },
      { type: "restored", session: "chat", ...numbers },
      { type: "saved", ...numbers },
    ]);
    expect(engine.stats().sessions).toBe(1);
    expect(engine.erase({ session: "none" })).toBe(0);
    expect(engine.erase({ session: "chat" })).toBe(64);
    expect(engine.stats().sessions).toBe(0);
    await engine.restore(chat());
    engine.resetCache();
    expect(engine.stats()).toMatchObject({ sessions: 0, cachedPages: 0 });
  });

  test("says which field of a request is wrong", async () => {
    await using engine = await load(options);
    const wrong: [object, string][] = [
      [{ session: "" }, "session"],
      [{ session: "../chat" }, "session"],
      [{ session: "x".repeat(65) }, "session"],
      [{ session: 3 }, "session"],
      [{ tenant: "x".repeat(513) }, "tenant"],
      [{ cacheSalt: 3 }, "cacheSalt"],
      [{ path: "" }, "path"],
      [{ path: "a\0b" }, "path"],
      [{ path: undefined }, "path"],
      [{ signal: {} }, "signal"],
    ];
    for (const [fields, param] of wrong) {
      const target = { ...chat(), ...fields } as SessionTarget;
      for (const call of [() => engine.save(target), () => engine.restore(target)])
        await expect(call()).rejects.toMatchObject({ code: "invalid-request", param });
    }
    expect(() => engine.erase({ session: "a/b" })).toThrow("session: expected 1 to 64 of");
    await expect(engine.complete({ prompt, session: "a b", ...greedy })).rejects.toMatchObject({
      param: "session",
    });
    await expect(engine.restore(chat())).rejects.toMatchObject({ reason: "not-found" });
  });

  test("disposing ends a save under way, and leaves no file of it", async () => {
    const engine = await load(options);
    await engine.complete({ prompt, session: "chat", ...greedy });
    const saving = engine.save(chat()).catch((error) => error);
    const disposing = engine.dispose();
    const error = await saving;
    await disposing;
    if (error instanceof Error) expect(error).toMatchObject({ code: "disposed" });
    else expect(error).toMatchObject({ tokens: 64 });
    expect((await readdir(folder)).length).toBeLessThanOrEqual(1);
    await expect(engine.restore(chat())).rejects.toMatchObject({ code: "disposed" });
  });

  test("running requests have the pages of a save that they need", async () => {
    await using engine = await load({ model, kvCache: { memory: "400KiB" }, maxWaiting: 100 });
    const room = engine.info.tokenCapacity;
    const ask = (step: number, length: number) =>
      engine.complete({ prompt: promptOf(model, length, step), ...greedy, session: `s${step}` });
    await ask(2, Math.floor(room / 2));
    for (let round = 0; round < 5; round++) {
      const saves = Promise.allSettled([
        engine.saveCache(file),
        engine.save({ session: "s2", path: `${file}2` }),
      ]);
      await Promise.all([3, 5, 7].map((step) => ask(step, Math.floor(room * 0.7))));
      for (const save of await saves)
        if (save.status === "rejected") expect(["overloaded", "session-refused"]).toContain(save.reason.code);
      await engine
        .loadCache(file)
        .catch((error) => expect(["session-refused", "out-of-pages"]).toContain(error.code));
    }
    expect(engine.checkIntegrity().owned).toBe(0);
  });
});
