import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EngineError } from "../../src/engine-error.ts";
import { writeSessionFile } from "../../src/session/write-session-file.ts";
import { SessionFolder } from "./session-folder.ts";
import { SmallCache } from "./small-cache.ts";

let disk: SessionFolder;
beforeEach(() => {
  disk = new SessionFolder();
});
afterEach(() => disk.remove());

describe("saving", () => {
  it("leaves the old file and nothing else where it fails", async () => {
    const cache = new SmallCache({ pages: 20, pageBytes: 600_000 });
    cache.add([1, 2, 3, 4, 5, 6]);
    await disk.save(cache, [cache.prefix([1, 2])]);
    const old = await readFile(disk.file);
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
    await expect(writeSessionFile(disk.file, { ...content, memory: throwing })).rejects.toBe(broken);
    const aborting = memory(() => controller.abort(broken));
    const { signal } = controller;
    await expect(writeSessionFile(disk.file, { ...content, memory: aborting }, { signal })).rejects.toBe(
      broken,
    );
    expect(await readdir(disk.path)).toEqual(["chat.kv"]);
    expect((await readFile(disk.file)).equals(old)).toBe(true);
  });

  it("says what is wrong with a path, without the path", async () => {
    const cache = new SmallCache();
    disk.file = path.join(disk.path, "no-such-folder", "chat.kv");
    const error = await disk.save(cache, []).catch((one) => one);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({
      code: "invalid-request",
      param: "path",
      message: "path: the file cannot be written (ENOENT)",
    });
    disk.file = disk.path;
    await expect(disk.save(cache, [])).rejects.toMatchObject({ code: "invalid-request", param: "path" });
  });

  it("may go on twice at once for one path", async () => {
    const cache = new SmallCache();
    for (let i = 0; i < 8; i++) cache.add([i, i]);
    await Promise.all(Array.from({ length: 8 }, (_, i) => disk.save(cache, [cache.prefix([i, i])])));
    expect(await readdir(disk.path)).toEqual(["chat.kv"]);
    await disk.restore(new SmallCache());
  });
});
