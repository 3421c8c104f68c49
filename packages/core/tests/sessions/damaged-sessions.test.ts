import { readFile, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { restorePrefixes } from "../../src/session/restore-prefixes.ts";
import { SessionFolder } from "./session-folder.ts";
import { SmallCache } from "./small-cache.ts";
import { savedPrefixes, UsedCache } from "./used-cache.ts";

const disk = new SessionFolder();
afterAll(() => disk.remove());

describe("a damaged session file is refused and changes nothing", () => {
  let good: Buffer;
  beforeAll(async () => {
    const cache = new SmallCache();
    for (const tokens of savedPrefixes) cache.add(tokens);
    await disk.save(cache, [...cache.tree.entries()]);
    good = await readFile(disk.file);
  });

  it.each([
    ["one bit", (byte: number) => byte ^ 1],
    ["all bits", (byte: number) => byte ^ 255],
  ])("where %s of any byte flipped", async (_, flip) => {
    const cache = new UsedCache();
    for (let at = 0; at < good.length; at++) {
      const bytes = Buffer.from(good);
      bytes[at] = flip(bytes[at]!);
      expect((await cache.refusal(disk, bytes)).reason, `byte ${at}`).toBe("corrupt");
    }
  });

  it("where it ends at any byte", async () => {
    const cache = new UsedCache();
    for (let length = 0; length < good.length; length++)
      expect((await cache.refusal(disk, good.subarray(0, length))).reason, `${length} bytes`).toBe("corrupt");
  });

  it("where bytes follow, are moved, or come from another file", async () => {
    const cache = new UsedCache();
    const { message } = await cache.refusal(disk, Buffer.concat([good, Buffer.alloc(1)]));
    expect(message).toBe("corrupt: the file has 1 bytes too many");
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.nat(good.length - 1),
        fc.integer({ min: 1, max: 64 }),
        async (from, to, length) => {
          const bytes = Buffer.from(good);
          bytes.copy(bytes, to, from, from + length);
          fc.pre(!bytes.equals(good));
          await cache.refusal(disk, bytes);
        },
      ),
    );
  });

  it("where it was never one", async () => {
    const cache = new UsedCache();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (noise, begins) => {
        await cache.refusal(disk, begins ? Buffer.concat([good.subarray(0, 16), noise]) : noise);
      }),
    );
    const expected = { kind: "cache", format: cache.format } as const;
    for (const place of [disk.path, ...(process.platform === "win32" ? [] : ["/dev/zero"])])
      await expect(restorePrefixes(place, expected, cache.staging())).rejects.toMatchObject({
        reason: "corrupt",
      });
  });

  it("and the good one is taken by the same cache afterwards", async () => {
    const cache = new UsedCache();
    await cache.refusal(disk, good.subarray(1));
    await writeFile(disk.file, good);
    await disk.restore(cache);
    expect(savedPrefixes.map((tokens) => cache.content(tokens)[0])).toEqual([6, 4]);
    cache.census();
  });
});
