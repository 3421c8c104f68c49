import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { namespaceText } from "../../src/session/prefix-namespace.ts";
import { restorePrefixes } from "../../src/session/restore-prefixes.ts";
import { SessionFolder } from "./session-folder.ts";
import { SmallCache } from "./small-cache.ts";
import { alice } from "./small-format.ts";

let disk: SessionFolder;
beforeEach(() => {
  disk = new SessionFolder();
});
afterEach(() => disk.remove());

describe("restoring", () => {
  const tokens = [1, 2, 3, 4, 5, 6];
  beforeEach(async () => {
    const cache = new SmallCache();
    cache.add(tokens);
    await disk.save(cache, [cache.prefix(tokens)]);
  });

  it("drops other prefixes where it must, the least recently used first", async () => {
    const cache = new SmallCache({ pages: 10 });
    cache.add([7, 7]);
    cache.add([8, 8]);
    cache.add([9, 9]);
    await disk.restore(cache);
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
    await disk.restore(cache);
    expect(cache.content(tokens)[0]).toBe(6);
    const small = new SmallCache({ pages: 5 });
    small.add([7, 7]);
    await expect(disk.restore(small)).rejects.toMatchObject({
      code: "out-of-pages",
      message: "the file takes 6 pages, and 5 can be had now",
    });
    expect(small.content([7, 7])[0]).toBe(2);
    expect(small.census()).toMatchObject({ owned: 0, cached: 2 });
  });

  it("drops nobody's prefix for a damaged file", async () => {
    const bytes = await readFile(disk.file);
    bytes[bytes.length - 40]! ^= 1;
    await writeFile(disk.file, bytes);
    const cache = new SmallCache({ pages: 6 });
    cache.add([7, 7]);
    await expect(disk.restore(cache)).rejects.toMatchObject({ reason: "corrupt" });
    expect(cache.content([7, 7])[0]).toBe(2);
  });

  it("ends with the signal's reason, or with what a write throws, and gives its pages back", async () => {
    const cache = new SmallCache({ pages: 20, pageBytes: 600_000 });
    cache.add(tokens);
    await disk.save(cache, [cache.prefix(tokens)]);
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
      await expect(restorePrefixes(disk.file, expected, aborting, { signal })).rejects.toBe(enough);
      const throwing = target(() => {
        throw broken;
      });
      await expect(restorePrefixes(disk.file, expected, throwing)).rejects.toBe(broken);
      expect(after.census()).toMatchObject({ free: 20 });
    }
    await expect(
      restorePrefixes(disk.file, expected, after.staging(), { signal: AbortSignal.abort(enough) }),
    ).rejects.toBe(enough);
  });
});
