import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineError } from "../../src/engine-error.ts";
import type { SavedPrefix } from "../../src/session/plan-entries.ts";
import { namespaceText, prefixNamespace } from "../../src/session/prefix-namespace.ts";
import { restorePrefixes } from "../../src/session/restore-prefixes.ts";
import type { SavedFormat } from "../../src/session/saved-format.ts";
import { writeSessionFile } from "../../src/session/write-session-file.ts";
import { SmallCache } from "./small-cache.ts";
import { alice, bob } from "./small-format.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "kvasir-sessions-"));
  file = path.join(folder, "chat.kv");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const save = (cache: SmallCache, prefixes: readonly SavedPrefix[], kind: "session" | "cache" = "cache") =>
  writeSessionFile(file, { kind, format: cache.format, prefixes, memory: cache.memory });

const restore = (cache: SmallCache, kind: "session" | "cache" = "cache") =>
  restorePrefixes(file, { kind, format: cache.format }, cache.staging());

describe("a session file", () => {
  it("brings a conversation back, token for token and byte for byte", async () => {
    const before = new SmallCache();
    const tokens = [1, 2, 3, 4, 5, 6];
    before.add(tokens);
    const saved = await save(before, [before.prefix(tokens)], "session");
    expect(saved).toEqual({ entries: 1, tokens: 6, bytes: (await stat(file)).size });
    const after = new SmallCache();
    after.add([9, 9]);
    expect(await restore(after, "session")).toEqual(saved);
    expect(after.content([...tokens, 7])).toEqual(before.content(tokens));
    expect(after.census()).toMatchObject({ owned: 0, cached: 8 });
  });

  it("stores what prefixes share once, and keeps namespaces apart", async () => {
    const prefixes = fc.array(
      fc.record({
        tokens: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 12 }),
        namespace: fc.constantFrom(namespaceText(alice), namespaceText(bob)),
      }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(prefixes, async (given) => {
        const before = new SmallCache({ pages: 200 });
        for (const { tokens, namespace } of given) before.add(tokens, namespace);
        const { cachedPages } = before.tree;
        const saved = await save(before, [...before.tree.entries()]);
        expect(saved.tokens).toBe((cachedPages / before.blockPages) * before.format.pageTokens);
        const after = new SmallCache({ pages: cachedPages + 2 });
        await restore(after);
        expect(after.census()).toMatchObject({ free: 2, owned: 0, cached: cachedPages });
        for (const { tokens, namespace } of given)
          expect(after.content(tokens, namespace)).toEqual(before.content(tokens, namespace));
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    { section: "pages", pageTokens: 2, pageBytes: 300_000, blocks: 5 },
    { section: "pages larger than a piece", pageTokens: 1, pageBytes: 1_200_000, blocks: 2 },
    { section: "tokens", pageTokens: 65_536, pageBytes: 3, blocks: 5 },
  ])("has $section in several pieces", async ({ pageTokens, pageBytes, blocks }) => {
    const before = new SmallCache({ pages: 20, pageTokens, pageBytes });
    const tokens = Array.from({ length: blocks * pageTokens }, (_, i) => i % 97);
    before.add(tokens);
    await save(before, [before.prefix(tokens)]);
    const after = new SmallCache({ pages: 20, pageTokens, pageBytes });
    await restore(after);
    const found = after.prefix(tokens);
    expect(found.tokens.length).toBe(tokens.length);
    const original = before.prefix(tokens);
    for (const [i, block] of found.blocks.entries())
      for (const [j, page] of block.entries())
        expect(Buffer.compare(after.page(page), before.page(original.blocks[i]![j]!))).toBe(0);
  });

  it("leaves what is cached already, and takes no page twice", async () => {
    const before = new SmallCache();
    before.add([1, 2, 3, 4]);
    await save(before, [before.prefix([1, 2, 3, 4])]);
    const after = new SmallCache();
    after.add([1, 2, 7, 8]);
    const own = after.content([1, 2]);
    await restore(after);
    expect(after.content([1, 2])).toEqual(own);
    expect(after.prefix([1, 2, 3, 4]).tokens.length).toBe(4);
    expect(after.census()).toMatchObject({ owned: 0, cached: 6 });
  });

  it("may be empty when it is a cache's, and not when it is a conversation's", async () => {
    const cache = new SmallCache();
    expect(await save(cache, [])).toMatchObject({ entries: 0, tokens: 0 });
    expect(await restore(cache)).toMatchObject({ entries: 0, tokens: 0 });
    await expect(save(cache, [], "session")).rejects.toMatchObject({
      code: "invalid-request",
      param: "session",
    });
  });

  it("can be read by its owner alone, and names nobody", async () => {
    const cache = new SmallCache();
    cache.add([1, 2]);
    await save(cache, [cache.prefix([1, 2])]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file, "latin1")).includes("alice")).toBe(false);
  });
});

describe("a session file that does not belong", () => {
  const refused = (message: string) => ({ code: "session-refused", param: "path", message });

  beforeEach(async () => {
    const cache = new SmallCache();
    cache.add([1, 2, 3, 4]);
    await save(cache, [cache.prefix([1, 2, 3, 4])], "session");
  });

  it("is not found", async () => {
    await rm(file);
    const cache = new SmallCache();
    await expect(restore(cache, "session")).rejects.toMatchObject(
      refused("not-found: the file cannot be opened (ENOENT)"),
    );
  });

  const cases: [Partial<SavedFormat>, string][] = [
    [
      { weights: "q8_0" },
      'other-model: the file was written with weights "as they are", this cache has weights "q8_0"',
    ],
    [
      { model: "1234".repeat(16) },
      'other-model: the file was written with model "00ff00ff00ff00ff", this cache has model "1234123412341234"',
    ],
    [
      { vocabSize: 99 },
      "other-model: the file was written with a vocabulary of 100, this cache has a vocabulary of 99",
    ],
    [
      { layerMap: "0_1_2" },
      'other-model: the file was written with layer map "0_0_2", this cache has layer map "0_1_2"',
    ],
    [
      { positions: "none" },
      'other-model: the file was written with positions "rotary 10000", this cache has positions "none"',
    ],
    [{ passes: "7" }, 'other-format: the file was written with passes "1", this cache has passes "7"'],
    [{ kvLayers: 3 }, "other-format: the file was written with 2 KV layers, this cache has 3 KV layers"],
    [{ kvHeads: 2 }, "other-format: the file was written with 1 KV heads, this cache has 2 KV heads"],
    [
      { headDim: 4 },
      "other-format: the file was written with heads of 1 numbers, this cache has heads of 4 numbers",
    ],
    [
      { dtype: "bf16", pageBytes: 4 },
      "other-format: the file was written with f16 keys and values, this cache has bf16 keys and values",
    ],
    [
      { pageTokens: 4 },
      "other-format: the file was written with pages of 2 tokens, this cache has pages of 4 tokens",
    ],
    [
      { pageBytes: 4 },
      "other-format: the file was written with pages of 3 bytes, this cache has pages of 4 bytes",
    ],
    [
      { layout: "x" },
      'other-format: the file was written with pages laid out for "fake", this cache has pages laid out for "x"',
    ],
  ];
  it.each(cases)("differs in %j", async (changes, message) => {
    const cache = new SmallCache(changes);
    await expect(restore(cache, "session")).rejects.toMatchObject(refused(message));
  });

  it.each([
    ["another tenant's", bob, "other-tenant: the file was not written for this tenant and salt"],
    [
      "another salt's",
      prefixNamespace({ tenant: "alice", cacheSalt: "x", policy: "full" }),
      "other-tenant: the file was not written for this tenant and salt",
    ],
    [
      "another policy's",
      prefixNamespace({ tenant: "alice", cacheSalt: "", policy: "h2o" }),
      "other-policy: the file was written under another eviction policy",
    ],
  ])("is %s", async (_, namespace, message) => {
    const cache = new SmallCache();
    const expected = { kind: "session", format: cache.format, namespace } as const;
    await expect(restorePrefixes(file, expected, cache.staging())).rejects.toMatchObject(refused(message));
    const otherModel = { ...cache.format, model: "none" };
    const first = message.startsWith("other-tenant") ? message : expect.stringMatching(/^other-model/);
    await expect(
      restorePrefixes(file, { ...expected, format: otherModel }, cache.staging()),
    ).rejects.toMatchObject({ message: first });
    await restorePrefixes(file, { ...expected, namespace: alice }, cache.staging());
    expect(cache.content([1, 2, 3, 4])[0]).toBe(4);
  });

  it("is a whole cache where a conversation is expected", async () => {
    const cache = new SmallCache();
    await expect(restore(cache, "cache")).rejects.toMatchObject(
      refused("other-format: the file holds one conversation, and a whole cache was expected"),
    );
  });
});

describe("restoring", () => {
  const tokens = [1, 2, 3, 4, 5, 6];
  beforeEach(async () => {
    const cache = new SmallCache();
    cache.add(tokens);
    await save(cache, [cache.prefix(tokens)]);
  });

  it("drops other prefixes where it must, the least recently used first", async () => {
    const cache = new SmallCache({ pages: 10 });
    cache.add([7, 7]);
    cache.add([8, 8]);
    cache.add([9, 9]);
    await restore(cache);
    expect(cache.content(tokens)[0]).toBe(6);
    expect(
      [
        [7, 7],
        [8, 8],
        [9, 9],
      ].map((other) => cache.content(other)[0]),
    ).toEqual([0, 2, 2]);
    cache.census();
  });

  it("takes all of a file or nothing", async () => {
    const cache = new SmallCache({ pages: 8 });
    cache.add([7, 7]);
    cache.add([8, 8]);
    const { handle } = cache.tree.match(namespaceText(alice), [7, 7]);
    cache.tree.lock(handle);
    await restore(cache);
    expect(cache.content(tokens)[0]).toBe(6);
    const small = new SmallCache({ pages: 5 });
    small.add([7, 7]);
    await expect(restore(small)).rejects.toMatchObject({
      code: "out-of-pages",
      message: "the file takes 6 pages, and 5 can be had now",
    });
    expect(small.content([7, 7])[0]).toBe(2);
    expect(small.census()).toMatchObject({ owned: 0, cached: 2 });
  });

  it("drops nobody's prefix for a damaged file", async () => {
    const bytes = await readFile(file);
    bytes[bytes.length - 40]! ^= 1;
    await writeFile(file, bytes);
    const cache = new SmallCache({ pages: 6 });
    cache.add([7, 7]);
    await expect(restore(cache)).rejects.toMatchObject({ reason: "corrupt" });
    expect(cache.content([7, 7])[0]).toBe(2);
  });

  it("ends with the signal's reason, or with what a write throws, and gives its pages back", async () => {
    const cache = new SmallCache({ pages: 20, pageBytes: 600_000 });
    cache.add(tokens);
    await save(cache, [cache.prefix(tokens)]);
    const expected = { kind: "cache", format: cache.format } as const;
    const after = new SmallCache({ pages: 20, pageBytes: 600_000 });
    const enough = new Error("enough");
    for (const failing of [1, 3, 6]) {
      const controller = new AbortController();
      const broken = new Error("device lost");
      let writes = 0;
      const target = (fail: () => void) => {
        const staging = after.staging();
        const write = staging.write.bind(staging);
        writes = 0;
        staging.write = async (pages, bytes) => {
          writes += 1;
          expect(() => after.census()).toThrow(/and 0 owners/);
          if (writes === failing) fail();
          await write(pages, bytes);
        };
        return staging;
      };
      const { signal } = controller;
      const aborting = target(() => controller.abort(enough));
      await expect(restorePrefixes(file, expected, aborting, { signal })).rejects.toBe(enough);
      const throwing = target(() => {
        throw broken;
      });
      await expect(restorePrefixes(file, expected, throwing)).rejects.toBe(broken);
      expect(after.census()).toMatchObject({ free: 20 });
    }
    await expect(
      restorePrefixes(file, expected, after.staging(), { signal: AbortSignal.abort(enough) }),
    ).rejects.toBe(enough);
  });
});

describe("saving", () => {
  it("leaves the old file and nothing else where it fails", async () => {
    const cache = new SmallCache({ pages: 20, pageBytes: 600_000 });
    cache.add([1, 2, 3, 4, 5, 6]);
    await save(cache, [cache.prefix([1, 2])]);
    const old = await readFile(file);
    const broken = new Error("device lost");
    const controller = new AbortController();
    let reads = 0;
    const memory = (fail: () => void) => ({
      readPages: async (pages: Int32Array, out: Uint8Array) => {
        reads += 1;
        if (reads % 4 === 0) fail();
        await cache.memory.readPages(pages, out);
      },
    });
    const content = {
      kind: "cache",
      format: cache.format,
      prefixes: [cache.prefix([1, 2, 3, 4, 5, 6])],
    } as const;
    const throwing = memory(() => {
      throw broken;
    });
    await expect(writeSessionFile(file, { ...content, memory: throwing })).rejects.toBe(broken);
    const aborting = memory(() => controller.abort(broken));
    const { signal } = controller;
    await expect(writeSessionFile(file, { ...content, memory: aborting }, { signal })).rejects.toBe(broken);
    expect(await readdir(folder)).toEqual(["chat.kv"]);
    expect((await readFile(file)).equals(old)).toBe(true);
  });

  it("says what is wrong with a path, without the path", async () => {
    const cache = new SmallCache();
    file = path.join(folder, "no-such-folder", "chat.kv");
    const error = await save(cache, []).catch((one) => one);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({
      code: "invalid-request",
      param: "path",
      message: "path: the file cannot be written (ENOENT)",
    });
    file = folder;
    await expect(save(cache, [])).rejects.toMatchObject({ code: "invalid-request", param: "path" });
  });

  it("may go on twice at once for one path", async () => {
    const cache = new SmallCache();
    for (let i = 0; i < 8; i++) cache.add([i, i]);
    await Promise.all(Array.from({ length: 8 }, (_, i) => save(cache, [cache.prefix([i, i])])));
    expect(await readdir(folder)).toEqual(["chat.kv"]);
    await restore(new SmallCache());
  });
});
