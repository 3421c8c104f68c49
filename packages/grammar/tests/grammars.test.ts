import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Grammars, type GrammarsOptions } from "../src/grammars.ts";
import type { JsonFormat } from "../src/json-format.ts";
import type { Matcher } from "../src/matcher.ts";
import type { Vocabulary } from "../src/vocabulary.ts";
import { idsOf, randomFrom } from "./random-walk.ts";
import { byteVocabulary, tinyVocabulary } from "./test-vocabulary.ts";

const bytes = byteVocabulary();
let tiny: Vocabulary;
beforeAll(async () => {
  tiny = await tinyVocabulary();
});

const threads = new Set<Worker>();
process.on("worker", (worker) => {
  threads.add(worker);
  worker.once("exit", () => threads.delete(worker));
});
async function end(workers: ReadonlySet<Worker>): Promise<void> {
  await Promise.all([...workers].map((worker) => worker.terminate()));
}

const open: Grammars[] = [];
function grammars(options: Partial<GrammarsOptions> = {}): Grammars {
  const made = new Grammars({ ...bytes, ...options });
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.dispose()));
});

const schema = (value: Record<string, unknown>): JsonFormat => ({ type: "json-schema", schema: value });
const person = schema({
  type: "object",
  properties: { name: { type: "string", maxLength: 8 }, age: { type: "integer", maximum: 99, minimum: 0 } },
  required: ["name", "age"],
});
/** Slow to compile, and sound. */
const slow = schema({
  prefixItems: Array.from({ length: 50 }, (_, i) => ({ type: "string", pattern: `^(a|${i}){1,200}$` })),
});

async function walk(matcher: Matcher, vocabulary: Vocabulary, random: () => number): Promise<string> {
  const text: number[] = [];
  for (let i = 0; i < 200; i++) {
    const ids = idsOf(await matcher.mask());
    if (matcher.done) break;
    const quote = ids.find((id) => vocabulary.tokenBytes(id)[0] === 0x22);
    const id = quote !== undefined && random() < 0.3 ? quote : ids[Math.floor(random() * ids.length)]!;
    if (vocabulary.eosIds.includes(id)) break;
    matcher.accept(id);
    text.push(...vocabulary.tokenBytes(id));
  }
  return Buffer.from(text).toString();
}

describe("matchers on threads", () => {
  it.each(["bytes", "tiny"])("200 at a time give what was asked for (%s)", async (name) => {
    const vocabulary = name === "tiny" ? tiny : bytes;
    const all = grammars({ ...vocabulary, workers: 2 });
    const texts = await Promise.all(
      Array.from({ length: 200 }, async (_, seed) => {
        const matcher = await all.compile(
          seed % 2 === 0
            ? person
            : schema({
                type: "object",
                properties: { [`p${seed % 7}`]: { type: "null" } },
                required: [`p${seed % 7}`],
              }),
        );
        const text = await walk(matcher, vocabulary, randomFrom(seed));
        matcher.dispose();
        return text;
      }),
    );
    for (const [seed, text] of texts.entries()) {
      expect(Object.keys(JSON.parse(text))).toEqual(seed % 2 === 0 ? ["name", "age"] : [`p${seed % 7}`]);
    }
  });

  it("does not hold up the event loop while it compiles", async () => {
    const all = grammars();
    await all.compile(person);
    let isCompiled = false;
    const compiled = all.compile(slow).then(() => {
      isCompiled = true;
    });
    let turns = 0;
    for (; !isCompiled; turns++) await nextTurn();
    await compiled;
    expect(turns).toBeGreaterThan(100);
  });

  it("gives every mask in the order of the calls", async () => {
    const matcher = await grammars().compile(schema({ type: "integer", minimum: 1, maximum: 19 }));
    const first = matcher.mask();
    matcher.accept(0x31);
    const second = matcher.mask();
    matcher.accept(0x39);
    const third = matcher.mask();
    expect(idsOf(await first)).toContain(0x39);
    expect(idsOf(await second)).toEqual([
      ...Array.from({ length: 10 }, (_, digit) => 0x30 + digit),
      bytes.stop,
    ]);
    expect(idsOf(await third)).toEqual([bytes.stop]);
    expect(matcher.done).toBe(true);
  });

  it("fails with the token that was not allowed, until it is replayed", async () => {
    const matcher = await grammars().compile(schema({ type: "null" }));
    matcher.accept(0x78);
    await expect(matcher.mask()).rejects.toMatchObject({ code: "rejected-token" });
    await expect(matcher.mask()).rejects.toMatchObject({ code: "rejected-token" });
    matcher.replay(Buffer.from("nul"));
    expect(idsOf(await matcher.mask())).toEqual([0x6c]);
    matcher.accept(10_000);
    await expect(matcher.mask()).rejects.toMatchObject({ code: "rejected-token" });
  });

  it("fails where the vocabulary cannot spell what has to follow", async () => {
    const letters = {
      ...bytes,
      tokenBytes: (id: number) => (id === 0x7b ? new Uint8Array() : bytes.tokenBytes(id)),
    };
    const all = grammars(letters);
    const braces = Array.from({ length: bytes.vocabSize }, (_, id) => id).filter(
      (id) => bytes.tokenBytes(id)[0] === 0x7b,
    );
    const matcher = await all.compile({ type: "json-object" });
    expect(idsOf(await matcher.mask())).toEqual(braces.filter((id) => id !== 0x7b));
    const none = grammars({ ...bytes, tokenBytes: () => new Uint8Array() });
    await expect((await none.compile(person)).mask()).rejects.toMatchObject({ code: "dead-end" });
  });
});

describe("what goes wrong", () => {
  it("is an error with the field's path", async () => {
    const all = grammars();
    await expect(all.compile(schema({ properties: { x: { not: {} } } }))).rejects.toMatchObject({
      name: "GrammarError",
      code: "unsupported-schema",
      path: "schema.properties.x.not",
      message: "schema.properties.x.not: this keyword cannot be enforced",
    });
    await expect(all.compile({ type: "text" } as unknown as JsonFormat)).rejects.toMatchObject({
      path: "type",
    });
    expect(idsOf(await (await all.compile(schema({ type: "null" }))).mask())).toEqual(
      expect.arrayContaining([0x6e]),
    );
  });

  it("ends what takes too long, and the next one works", async () => {
    const all = grammars();
    const other = await all.compile(person);
    other.replay(Buffer.from('{"name"'));
    await other.mask();
    await expect(all.compile(slow, { timeoutMs: 1 })).rejects.toMatchObject({ code: "timeout" });
    expect(idsOf(await other.mask())).toContain(0x3a);
    await all.compile(person);
  });

  it("can be aborted, before and while compiling", async () => {
    const all = grammars();
    await expect(all.compile(slow, { signal: AbortSignal.abort("early") })).rejects.toBe("early");
    const controller = new AbortController();
    const compiling = all.compile(slow, { signal: controller.signal });
    const behind = all.compile(person);
    controller.abort("late");
    await expect(compiling).rejects.toBe("late");
    await (await behind).mask();
  });

  it("names an option that is out of range", () => {
    expect(() => grammars({ vocabSize: 0 })).toThrow(
      "vocabSize: expected an integer from 1 to 16777216, received 0",
    );
    expect(() => grammars({ eosIds: [bytes.vocabSize] })).toThrow(/^eosIds: /);
    expect(() => grammars({ workers: 17 })).toThrow(/^workers: /);
  });

  it("in a token's bytes is thrown by compile", async () => {
    const all = grammars({
      tokenBytes: () => {
        throw new Error("no bytes");
      },
    });
    await expect(all.compile(person)).rejects.toThrow("no bytes");
  });
});

describe("a thread that dies", () => {
  it("is replaced, and its matchers go on where they were", async () => {
    const started: Worker[] = [];
    const onWorker = (worker: Worker) => started.push(worker);
    process.on("worker", onWorker);
    const all = grammars();
    const texts = ['{"name":"', '{"name":"abc",', ""];
    const matchers = await Promise.all(texts.map(() => all.compile(person)));
    const masks = () => Promise.all(matchers.map((matcher) => matcher.mask()));
    matchers.forEach((matcher, i) => {
      for (const id of Buffer.from(texts[i]!)) matcher.accept(id);
    });
    const before = await masks();
    const ended = once(started[0]!, "exit");
    void started[0]!.terminate();
    expect(await masks()).toEqual(before);
    await ended;
    matchers[0]!.accept(0x22);
    expect(idsOf((await masks())[0]!)).toContain(0x2c);
    void started[1]!.terminate();
    await once(started[1]!, "exit");
    const late = await all.compile(person);
    expect(await late.mask()).toEqual(before[2]);
    expect((await masks()).slice(1)).toEqual(before.slice(1));
    expect(started.length).toBe(3);
    process.off("worker", onWorker);
  });

  it("compiles again what it was compiling, but not forever", async () => {
    const all = grammars();
    const matcher = await all.compile(person);
    const before = await matcher.mask();
    const first = all.compile(schema({ type: "boolean" }));
    const second = all.compile(schema({ type: "null" }));
    await end(threads);
    expect(idsOf(await (await first).mask())).toContain(0x74);
    expect(idsOf(await (await second).mask())).toContain(0x6e);
    const kill = (worker: Worker) => void worker.terminate();
    process.on("worker", kill);
    const waiting = all.compile(slow);
    const failed = expect(waiting).rejects.toMatchObject({ code: "internal" });
    await end(threads);
    await failed;
    process.off("worker", kill);
    const behind = all.compile(schema({ type: "null" }));
    expect(idsOf(await (await behind).mask())).toContain(0x6e);
    expect(await matcher.mask()).toEqual(before);
  });
});

describe("disposing", () => {
  it("fails what is under way and what comes later", async () => {
    const all = grammars();
    const matcher = await all.compile(person);
    const compiling = all.compile(slow);
    const mask = matcher.mask();
    const settled = Promise.allSettled([compiling, mask]);
    await all.dispose();
    for (const result of await settled) expect(result).toMatchObject({ reason: { code: "disposed" } });
    await expect(matcher.mask()).rejects.toMatchObject({ code: "disposed" });
    await expect(all.compile(person)).rejects.toMatchObject({ code: "disposed" });
  });

  it("of a matcher fails its masks only", async () => {
    const all = grammars();
    const [first, second] = await Promise.all([all.compile(person), all.compile(person)]);
    const mask = first.mask();
    first.dispose();
    await expect(mask).rejects.toMatchObject({ code: "disposed" });
    await expect(first.mask()).rejects.toMatchObject({ code: "disposed" });
    expect(idsOf(await second.mask()).length).toBeGreaterThan(0);
  });

  it("is not needed for a process to end", async () => {
    const script = `
      import { Grammars } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
      const vocabulary = { vocabSize: 257, tokenBytes: (id) => Uint8Array.of(id), isSpecial: () => false, eosIds: [256] };
      globalThis.kept = await new Grammars(vocabulary).compile({ type: "json-object" });
      console.log((await kept.mask())[3] >>> 27 & 1);
    `;
    const folder = mkdtempSync(path.join(tmpdir(), "kvasir-grammar-"));
    writeFileSync(path.join(folder, "script.mjs"), script);
    const threads = new URL("../../../typescript-threads.mjs", import.meta.url).href;
    const here = `import { register } from "node:module"; register(${JSON.stringify(new URL("typescript-loader.mjs", threads).href)});`;
    const imports = [threads, `data:text/javascript,${encodeURIComponent(here)}`].flatMap((one) => [
      "--import",
      one,
    ]);
    const child = spawn(process.execPath, [...imports, path.join(folder, "script.mjs")]);
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    const code = await new Promise((resolve) => child.on("close", resolve));
    rmSync(folder, { recursive: true });
    expect({ code, output }).toEqual({ code: 0, output: "1\n" });
  });
});
