import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readApiKeyFile } from "./api-key-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvasir-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function keysOf(text: string) {
  const path = join(folder, "keys");
  await writeFile(path, text);
  return await readApiKeyFile(path);
}

it("reads names and keys, one a line", async () => {
  expect(await keysOf("# ours\nann:k1:x\r\n\n  k2  \nbob: k3")).toEqual([
    { name: "ann", key: "k1:x" },
    { name: "line4", key: "k2" },
    { name: "bob", key: "k3" },
  ]);
});

it("names file and line of what is wrong, and not the key", async () => {
  const error: unknown = await keysOf("good\nann:two words").catch((reason: unknown) => reason);
  expect(String(error)).toMatch(/keys:2: the API key: expected/);
  expect(String(error)).not.toContain("words");
  await expect(keysOf("# nothing\n")).rejects.toThrow("expected at least one key");
});
