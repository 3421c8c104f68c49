import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KnownSessions } from "../../src/session/known-sessions.ts";
import { namespaceText } from "../../src/session/prefix-namespace.ts";
import { Sessions } from "../../src/session/sessions.ts";
import { SmallCache } from "./small-cache.ts";
import { alice, bob } from "./small-format.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "kvasir-sessions-"));
  file = path.join(folder, "chat.kv");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const chat = { namespace: namespaceText(alice), session: "chat" };
const theirs = { namespace: namespaceText(bob), session: "chat" };
const tokens = [1, 2, 3, 4, 5, 6, 7];

function withChat(options?: ConstructorParameters<typeof SmallCache>[0]) {
  const cache = new SmallCache(options);
  const sessions = new Sessions(cache);
  cache.add(tokens);
  sessions.remember(chat, Int32Array.from(tokens));
  return { cache, sessions };
}

/** Stops the device in front of its `nth` read or write, until it is told to go on. */
function stopAt(cache: SmallCache, nth: number) {
  let goOn = () => {};
  let calls = 0;
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let reached = () => {};
  const reaching = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const wait = async () => {
    calls += 1;
    if (calls !== nth) return;
    reached();
    await held;
  };
  const { readPages, writePages } = cache.memory;
  const memory = {
    readPages: (pages: Int32Array, out: Uint8Array) => wait().then(() => readPages(pages, out)),
    writePages: (pages: Int32Array, bytes: Uint8Array) => wait().then(() => writePages(pages, bytes)),
  };
  const { pool, tree, format } = cache;
  return { sessions: new Sessions({ pool, tree, format, memory }), reaching, goOn };
}

test("a conversation comes back under its name, and can be saved again", async () => {
  const { cache, sessions } = withChat();
  const saved = await sessions.save(chat, { path: file });
  expect(saved).toEqual({ tokens: 6, bytes: expect.any(Number), milliseconds: expect.any(Number) });
  const after = new SmallCache();
  const later = new Sessions(after);
  expect(await later.restore({ ...chat, session: "other" }, { path: file })).toMatchObject({
    tokens: 6,
    bytes: saved.bytes,
  });
  expect(after.content(tokens)).toEqual(cache.content(tokens));
  const again = await later.save({ ...chat, session: "other" }, { path: path.join(folder, "again.kv") });
  expect(again).toMatchObject({ tokens: 6, bytes: saved.bytes });
  expect(cache.tree.lockedPages + after.tree.lockedPages).toBe(0);
  expect(after.census()).toMatchObject({ owned: 0, cached: 6 });
});

test("a conversation is its tenant's alone", async () => {
  const { cache, sessions } = withChat();
  await expect(sessions.save(theirs, { path: file })).rejects.toMatchObject({ reason: "not-found" });
  await sessions.save(chat, { path: file });
  await expect(sessions.restore(theirs, { path: file })).rejects.toMatchObject({ reason: "other-tenant" });
  expect(cache.content(tokens, namespaceText(bob))[0]).toBe(0);
  expect(sessions.erase(theirs)).toBe(0);
  expect(sessions.size).toBe(1);
  expect(sessions.erase(chat)).toBe(7);
  await expect(sessions.save(chat, { path: file })).rejects.toMatchObject({
    code: "session-refused",
    message: "not-found: there is no session of that name",
  });
});

test("what was evicted is not saved", async () => {
  const { cache, sessions } = withChat();
  cache.tree.evict(2);
  expect(await sessions.save(chat, { path: file })).toMatchObject({ tokens: 4 });
  cache.tree.reset();
  await expect(sessions.save(chat, { path: file })).rejects.toMatchObject({
    message: "not-found: the cache holds nothing of the session",
  });
});

test("a whole cache comes back for everybody in it", async () => {
  const { cache, sessions } = withChat();
  cache.add([1, 2, 9, 9]);
  cache.add([8, 8], namespaceText(bob));
  expect(await sessions.saveCache({ path: file })).toMatchObject({ entries: 3, tokens: 10 });
  const after = new SmallCache();
  expect(await new Sessions(after).loadCache({ path: file })).toMatchObject({ entries: 3, tokens: 10 });
  for (const [ids, { namespace }] of [
    [tokens, chat],
    [[1, 2, 9, 9], chat],
    [[8, 8], theirs],
  ] as const)
    expect(after.content(ids, namespace)).toEqual(cache.content(ids, namespace));
  expect(after.content([8, 8])[0]).toBe(0);
  expect(cache.tree.lockedPages).toBe(0);
});

test("pages that are being saved stay until running requests need them more", async () => {
  const { cache } = withChat({ pageBytes: 600_000 });
  const { sessions, reaching, goOn } = stopAt(cache, 2);
  sessions.remember(chat, Int32Array.from(tokens));
  const saving = sessions.save(chat, { path: file });
  saving.catch(() => {});
  await reaching;
  expect(cache.tree.evict(6)).toBe(0);
  expect(sessions.giveWay()).toBe(true);
  expect(cache.tree.evict(6)).toBe(6);
  goOn();
  await expect(saving).rejects.toMatchObject({ code: "overloaded" });
  expect(sessions.giveWay()).toBe(false);
  expect(await readdir(folder)).toEqual([]);
});

test("pages that are being restored are counted, and given back to running requests that need them", async () => {
  const options = { pageBytes: 600_000, pages: 8 };
  await withChat(options).sessions.save(chat, { path: file });
  const after = new SmallCache(options);
  const { sessions, reaching, goOn } = stopAt(after, 3);
  const restoring = sessions.restore(chat, { path: file });
  restoring.catch(() => {});
  await reaching;
  expect(after.census(sessions.staged)).toMatchObject({ free: 2, owned: 6, cached: 0 });
  sessions.giveWay();
  expect(after.census(sessions.staged)).toMatchObject({ free: 8 });
  const others = after.pool.allocate(8);
  const before = after.bytes.slice();
  goOn();
  await expect(restoring).rejects.toMatchObject({ code: "overloaded" });
  // Only the piece that was on its way is written; the device has it before anything of the new owner.
  const pageBytes = options.pageBytes;
  const changed = [...others].filter(
    (page) =>
      !Buffer.from(after.page(page)).equals(before.subarray(page * pageBytes, (page + 1) * pageBytes)),
  );
  expect(changed.length).toBeLessThanOrEqual(1);
  for (const page of others) after.pool.release(page);
  expect(after.census()).toMatchObject({ free: 8 });
});

test("a restore that has to give way while it commits leaves what can be evicted, and nothing else", async () => {
  const cache = new SmallCache({ pages: 6 });
  const staged = cache.staging();
  const pages = staged.allocate(4);
  const blocks = [pages.subarray(0, 2), pages.subarray(2, 4)];
  const { namespace } = chat;
  staged.commit({ namespace, tokens: Int32Array.of(1, 2), blocks: blocks.slice(0, 1) });
  staged.giveWay();
  expect(cache.census()).toMatchObject({ free: 4, owned: 0, cached: 2 });
  staged.commit({ namespace, tokens: Int32Array.of(1, 2, 3, 4), blocks });
  await expect(staged.write(pages.subarray(2, 3), new Uint8Array(3))).rejects.toMatchObject({
    code: "overloaded",
  });
  staged.release();
  expect(cache.census()).toMatchObject({ free: 4, owned: 0, cached: 2 });
  expect(cache.tree.evict(2)).toBe(2);
});

test("disposing ends what is under way, and nothing begins afterwards", async () => {
  const { cache } = withChat({ pageBytes: 600_000 });
  const { sessions, reaching, goOn } = stopAt(cache, 2);
  const saving = sessions.saveCache({ path: file });
  saving.catch(() => {});
  await reaching;
  const closing = sessions.close();
  goOn();
  await closing;
  await expect(saving).rejects.toMatchObject({ code: "disposed" });
  await expect(sessions.loadCache({ path: file })).rejects.toMatchObject({ code: "disposed" });
  expect(await readdir(folder)).toEqual([]);
  cache.census();
});

test("names are remembered up to a number of tokens, the least recently used forgotten first", () => {
  const known = new KnownSessions(10);
  const ids = (length: number) => new Int32Array(length);
  known.set("a", "1", ids(4));
  known.set("a", "2", ids(4));
  known.set("b", "1", ids(2));
  known.set("a", "1", ids(5));
  expect(known.get("a", "2")).toBeUndefined();
  expect([known.get("a", "1")?.length, known.get("b", "1")?.length]).toEqual([5, 2]);
  known.set("a", "3", ids(11));
  expect([known.size, known.get("a", "3")]).toEqual([2, undefined]);
  expect(known.delete("b", "1")?.length).toBe(2);
  expect(known.delete("b", "1")).toBeUndefined();
  known.set("b", "2", ids(5));
  expect(known.size).toBe(2);
});
