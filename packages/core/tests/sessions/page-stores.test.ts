import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { HostPages } from "../../src/tiers/host-pages.ts";
import { SpillFile } from "../../src/tiers/spill-file.ts";
import { testPageStore } from "./page-store.case.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "kvasir-spill-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

testPageStore("HostPages", (bytes) => new HostPages({ bytes }));
testPageStore("SpillFile", (bytes) => new SpillFile({ directory: folder, bytes }));

test("HostPages holds no memory that it does not count", async () => {
  const store = new HostPages({ bytes: 10 });
  const whole = new Uint8Array(1000);
  const kept = await store.take((await store.put(whole.subarray(5, 10)))!);
  expect(kept.buffer.byteLength).toBe(5);
});

test.each([-1, 0.5, Number.NaN, 2 ** 60])("a capacity of %d bytes is refused", (bytes) => {
  const message = new RegExp(`bytes of at least 0, received ${bytes}`);
  expect(() => new HostPages({ bytes })).toThrow(message);
  expect(() => new SpillFile({ directory: folder, bytes })).toThrow(message);
});

test("SpillFile writes more than a chunk, and has no name meanwhile", async () => {
  const store = new SpillFile({ directory: folder, bytes: 10_000_000 });
  const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => i % 251);
  const ticket = await store.put(bytes);
  if (process.platform !== "win32") expect(readdirSync(folder)).toEqual([]);
  expect(Buffer.compare(await store.take(ticket!), bytes)).toBe(0);
  await store.dispose();
  expect(readdirSync(folder)).toEqual([]);
});

test("SpillFile removes what a killed process left with a name", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const made = path.join(folder, ".kvasir-spill");
  const store = new SpillFile({ directory: folder, bytes: 10 });
  const hash = (await import("node:crypto")).createHash("sha256").update(os.hostname()).digest("hex");
  writeFileSync(`${made}.${hash.slice(0, 8)}-${pid}-0-0123456789abcdef.partial`, "");
  await store.put(Uint8Array.of(1));
  await store.dispose();
  expect(readdirSync(folder)).toEqual([]);
});

test("SpillFile says what is wrong with its folder, and its room stays", async () => {
  const store = new SpillFile({ directory: path.join(folder, "none"), bytes: 10 });
  for (let i = 0; i < 3; i++)
    await expect(store.put(new Uint8Array(10))).rejects.toMatchObject({
      code: "internal",
      message: "the spill file cannot be written (ENOENT)",
      param: "kvCache.spill",
    });
  expect(store.usedBytes).toBe(0);
  await store.dispose();
});

test("SpillFile notices damage, and frees what it held", async () => {
  const prototype = Object.getPrototypeOf(
    await open(import.meta.filename).then((file) => file.close().then(() => file)),
  );
  const store = new SpillFile({ directory: folder, bytes: 10 });
  const damaged = await store.put(new Uint8Array(10));
  const { read } = prototype;
  const spy = vi.spyOn(prototype, "read").mockImplementation(async function (
    this: unknown,
    ...args: unknown[]
  ) {
    const result = await read.apply(this, args);
    (args[0] as Uint8Array)[3]! ^= 1;
    return result;
  });
  await expect(store.take(damaged!)).rejects.toMatchObject({
    code: "internal",
    message: "the spill file is damaged",
  });
  spy.mockRestore();
  expect(store).toMatchObject({ usedBytes: 0, entries: 0 });
  const next = await store.put(Uint8Array.of(7));
  expect(await store.take(next!)).toEqual(Uint8Array.of(7));
  const full = vi
    .spyOn(prototype, "write")
    .mockRejectedValue(Object.assign(new Error("full"), { code: "ENOSPC" }));
  await expect(store.put(new Uint8Array(10))).rejects.toMatchObject({
    message: "the spill file cannot be written (ENOSPC)",
  });
  full.mockRestore();
  expect(store.usedBytes).toBe(0);
  await store.dispose();
});
