import { readFile, stat } from "node:fs/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { namespaceText } from "../../src/session/prefix-namespace.ts";
import { SessionFolder } from "./session-folder.ts";
import { SmallCache } from "./small-cache.ts";
import { alice, bob } from "./small-format.ts";

let disk: SessionFolder;
beforeEach(() => {
  disk = new SessionFolder();
});
afterEach(() => disk.remove());

describe("a session file", () => {
  it("brings a conversation back, token for token and byte for byte", async () => {
    const before = new SmallCache();
    const tokens = [1, 2, 3, 4, 5, 6];
    before.add(tokens);
    const saved = await disk.save(before, [before.prefix(tokens)], "session");
    expect(saved).toEqual({ entries: 1, tokens: 6, bytes: (await stat(disk.file)).size });
    const after = new SmallCache();
    after.add([9, 9]);
    expect(await disk.restore(after, "session")).toEqual(saved);
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
        const saved = await disk.save(before, [...before.tree.entries()]);
        expect(saved.tokens).toBe((cachedPages / before.blockPages) * before.format.pageTokens);
        const after = new SmallCache({ pages: cachedPages + 2 });
        await disk.restore(after);
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
    await disk.save(before, [before.prefix(tokens)]);
    const after = new SmallCache({ pages: 20, pageTokens, pageBytes });
    await disk.restore(after);
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
    await disk.save(before, [before.prefix([1, 2, 3, 4])]);
    const after = new SmallCache();
    after.add([1, 2, 7, 8]);
    const own = after.content([1, 2]);
    await disk.restore(after);
    expect(after.content([1, 2])).toEqual(own);
    expect(after.prefix([1, 2, 3, 4]).tokens.length).toBe(4);
    expect(after.census()).toMatchObject({ owned: 0, cached: 6 });
  });

  it("may be empty when it is a cache's, and not when it is a conversation's", async () => {
    const cache = new SmallCache();
    expect(await disk.save(cache, [])).toMatchObject({ entries: 0, tokens: 0 });
    expect(await disk.restore(cache)).toMatchObject({ entries: 0, tokens: 0 });
    await expect(disk.save(cache, [], "session")).rejects.toMatchObject({
      code: "invalid-request",
      param: "session",
    });
  });

  it("can be read by its owner alone, and names nobody", async () => {
    const cache = new SmallCache();
    cache.add([1, 2]);
    await disk.save(cache, [cache.prefix([1, 2])]);
    expect((await stat(disk.file)).mode & 0o777).toBe(0o600);
    expect((await readFile(disk.file, "latin1")).includes("alice")).toBe(false);
  });
});
