import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prefixNamespace } from "../../src/session/prefix-namespace.ts";
import { restorePrefixes } from "../../src/session/restore-prefixes.ts";
import type { SavedFormat } from "../../src/session/saved-format.ts";
import { SessionFolder } from "./session-folder.ts";
import { SmallCache } from "./small-cache.ts";
import { alice, bob } from "./small-format.ts";

let disk: SessionFolder;
beforeEach(() => {
  disk = new SessionFolder();
});
afterEach(() => disk.remove());

describe("a session file that does not belong", () => {
  const refused = (message: string) => ({ code: "session-refused", param: "path", message });

  beforeEach(async () => {
    const cache = new SmallCache();
    cache.add([1, 2, 3, 4]);
    await disk.save(cache, [cache.prefix([1, 2, 3, 4])], "session");
  });

  it("is not found", async () => {
    await rm(disk.file);
    const cache = new SmallCache();
    await expect(disk.restore(cache, "session")).rejects.toMatchObject(
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
    await expect(disk.restore(cache, "session")).rejects.toMatchObject(refused(message));
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
    await expect(restorePrefixes(disk.file, expected, cache.staging())).rejects.toMatchObject(
      refused(message),
    );
    const otherModel = { ...cache.format, model: "none" };
    const first = message.startsWith("other-tenant") ? message : expect.stringMatching(/^other-model/);
    await expect(
      restorePrefixes(disk.file, { ...expected, format: otherModel }, cache.staging()),
    ).rejects.toMatchObject({ message: first });
    await restorePrefixes(disk.file, { ...expected, namespace: alice }, cache.staging());
    expect(cache.content([1, 2, 3, 4])[0]).toBe(4);
  });

  it("is a whole cache where a conversation is expected", async () => {
    const cache = new SmallCache();
    await expect(disk.restore(cache, "cache")).rejects.toMatchObject(
      refused("other-format: the file holds one conversation, and a whole cache was expected"),
    );
  });
});
