import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { restorePrefixes } from "../../src/session/restore-prefixes.ts";
import { writeSessionFile } from "../../src/session/write-session-file.ts";
import { SmallCache } from "./small-cache.ts";

const pageBytes = 100_000;
const blocks = 10;
let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "kvasir-killed-"));
  file = path.join(folder, "files", "chat.kv");
  await build({
    configFile: false,
    logLevel: "error",
    build: {
      ssr: path.join(import.meta.dirname, "saving-loop.ts"),
      outDir: folder,
      emptyOutDir: false,
      target: "node20",
      minify: false,
      rollupOptions: { output: { entryFileNames: "saving-loop.mjs" } },
    },
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const saveAgain = () => {
  const { format, memory } = new SmallCache();
  return writeSessionFile(file, { kind: "cache", format, prefixes: [], memory });
};

test("a save that is killed leaves the old file or the new one, whole, and the next save tidies up", async () => {
  await mkdir(path.dirname(file));
  let leftovers = 0;
  for (let round = 0; round < 30; round++) {
    const script = path.join(folder, "saving-loop.mjs");
    const child = spawn(process.execPath, [script, file, String(pageBytes), String(blocks)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await wait(Math.random() * 40);
    child.kill("SIGKILL");
    await once(child, "close");
    leftovers += (await readdir(path.dirname(file))).length - 1;
    const cache = new SmallCache({ pages: 2 * blocks, pageBytes });
    await restorePrefixes(file, { kind: "session", format: cache.format }, cache.staging());
    const number = cache.bytes[0]!;
    expect(Buffer.from(cache.bytes.buffer).equals(Buffer.alloc(cache.bytes.length, number))).toBe(true);
    const { tokens } = cache.prefix(new Array(blocks * cache.format.pageTokens).fill(number));
    expect(tokens.length).toBe(blocks * cache.format.pageTokens);
  }
  expect(leftovers).toBeGreaterThan(0);
  await saveAgain();
  expect(await readdir(path.dirname(file))).toEqual(["chat.kv"]);
}, 180_000);

test("tidying up leaves what is not a killed save's of the same file", async () => {
  const directory = path.dirname(file);
  const other = "00000000-1-0-0123456789abcdef.partial";
  const kept = [
    "chat.kv.bak",
    "chat.kv.partial",
    `.other.kv.${other}`,
    `chat.kv.${other}`,
    `.chat.kv.${other}`,
  ];
  for (const name of kept) await writeFile(path.join(directory, name), "");
  await saveAgain();
  expect((await readdir(directory)).toSorted()).toEqual(["chat.kv", ...kept].toSorted());
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(path.join(directory, `.chat.kv.${other}`), longAgo, longAgo);
  await saveAgain();
  expect(await readdir(directory)).not.toContain(`.chat.kv.${other}`);
});
