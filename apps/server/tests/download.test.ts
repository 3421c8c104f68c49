import { EventEmitter } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { modelPath } from "@kvasir/tiny-models";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../src/command.ts";
import { parseHubId } from "../src/download/hub-id.ts";
import { defaultModelCache } from "../src/download/model-cache.ts";
import { findModel } from "../src/find-model.ts";
import { FakeHub } from "./fake-hub.ts";

let hub: FakeHub;
let cache: string;
beforeEach(async () => {
  hub = await FakeHub.start();
  cache = await mkdtemp(path.join(tmpdir(), "kvasir-"));
  hub.files.set("config.json", Buffer.from('{"model_type": "llama"}'));
  hub.files.set("model.safetensors", Buffer.alloc(100_000, "weights "));
  hub.files.set("README.md", Buffer.from("not needed"));
  hub.files.set("pytorch_model.bin", Buffer.alloc(5000));
});
afterEach(async () => {
  await hub.stop();
  await rm(cache, { recursive: true });
});

type Changes = { model?: string; offline?: boolean; environment?: Record<string, string> };

function find({ model = "org/model", offline = false, environment = {} }: Changes = {}) {
  const reported: number[] = [];
  const source = { model, modelCache: cache, hubUrl: hub.url, offline, environment };
  const found = findModel(source, (_, work) => work(({ bytesDone }) => reported.push(bytesDone)));
  return Object.assign(found, { reported });
}

const downloads = () => hub.requests.filter((request) => request.includes("/resolve/"));
const contents = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name))]));

describe("a model of a hub", () => {
  it("is downloaded, as far as it is needed, under its own name", async () => {
    const asked = find();
    const folder = await asked;
    expect(path.basename(folder)).toBe("model");
    expect(contents(folder)).toEqual({
      "config.json": hub.files.get("config.json"),
      "model.safetensors": hub.files.get("model.safetensors"),
    });
    expect(asked.reported.at(-1)).toBe(100_023);
    expect(asked.reported).toEqual(asked.reported.toSorted((a, b) => a - b));
    expect(await readdir(path.dirname(folder))).toEqual(["model"]);
  });

  it("is there afterwards without the hub, by the same name alone", async () => {
    const folder = await find();
    await hub.stop();
    hub = await FakeHub.start();
    expect(await find()).toBe(folder);
    expect(await find({ offline: true })).toBe(folder);
    expect(hub.requests).toEqual([]);
    await expect(find({ model: "org/model@v1", offline: true })).rejects.toThrow(/not in the model cache/);
  });

  it("may be one of its GGUF files, in a folder too", async () => {
    hub.files.set("quants/m-Q4_0.gguf", Buffer.alloc(2000, "GGUF"));
    const file = await find({ model: "org/model@v1:quants/m-Q4_0.gguf" });
    expect(file.endsWith(path.join("quants", "m-Q4_0.gguf"))).toBe(true);
    expect(await readFile(file)).toEqual(hub.files.get("quants/m-Q4_0.gguf"));
    expect(downloads()).toHaveLength(1);
  });

  it("goes on where a connection broke", async () => {
    hub.cuts = [1000, 30_000, 40_000];
    hub.files.delete("config.json");
    hub.files.set("config.json", Buffer.from("{}"));
    const folder = await find();
    expect(contents(folder)["model.safetensors"]).toEqual(hub.files.get("model.safetensors"));
    const ranges = downloads().flatMap((request) => request.split(" ")[1] ?? []);
    expect(ranges).toEqual(["bytes=1000-", "bytes=31000-", "bytes=71000-"]);
  });

  it("goes on after the process was started again", async () => {
    const folder = path.join(cache, "org", FakeHub.commit, "model");
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "config.json"), hub.files.get("config.json")!);
    await writeFile(
      path.join(folder, "model.safetensors.partial"),
      hub.files.get("model.safetensors")!.subarray(0, 70_000),
    );
    await writeFile(path.join(cache, "org", FakeHub.commit, ".lock"), "999999999");
    expect(await find()).toBe(folder);
    expect(downloads()).toEqual([`/org/model/resolve/${FakeHub.commit}/model.safetensors bytes=70000-`]);
    expect(contents(folder)["model.safetensors"]).toEqual(hub.files.get("model.safetensors"));
  });

  it("begins anew where the server gives no parts", async () => {
    hub.cuts = [1000];
    hub.ignoresRanges = true;
    const folder = await find();
    expect(contents(folder)["model.safetensors"]).toEqual(hub.files.get("model.safetensors"));
  });

  it.each(["config.json", "model.safetensors"])(
    "is not there while the checksum of %s is wrong",
    async (name) => {
      const folder = path.join(cache, "org", FakeHub.commit, "model");
      await mkdir(folder, { recursive: true });
      const right = hub.files.get(name)!;
      await writeFile(path.join(folder, `${name}.partial`), Buffer.alloc(right.length - 1, "x"));
      await expect(find()).rejects.toThrow(`--model: ${name}: its checksum is wrong`);
      await expect(find({ offline: true })).rejects.toThrow();
      expect(Object.keys(contents(folder))).not.toContain(`${name}.partial`);
      expect(contents(await find())[name]).toEqual(right);
    },
  );

  it("leaves what came where the connection breaks too often, and says so", async () => {
    hub.cuts = [1, 1, 1, 1, 1, 1].map((cut, at) => cut + at);
    await expect(find()).rejects.toThrow(/--model: (config\.json|model\.safetensors): .*what came is kept/);
  });

  it("asks with the environment's token", async () => {
    hub.token = "hf_abc";
    await expect(find()).rejects.toThrow(/set HF_TOKEN/);
    await find({ environment: { HF_TOKEN: "hf_abc" } });
  });

  it.each([
    ["org/other", /org\/other@main: the hub does not know it/],
    ["org/model:none.gguf", /org\/model has no file none\.gguf/],
    ["org/model@nope", /the hub does not know it/],
  ])("%s is refused", async (model, message) => {
    await expect(find({ model })).rejects.toThrow(message);
  });

  it("without weights is refused, with a hint", async () => {
    hub.files.delete("model.safetensors");
    await expect(find()).rejects.toThrow(/org\/name:file\.gguf/);
  });

  it("is not looked for where a path of that name exists, nor for other names", async () => {
    const local = path.join(cache, "here");
    await mkdir(local);
    expect(await find({ model: local })).toBe(local);
    for (const model of ["/no/where", "./no/where", "nothing", "a/b/c", "../no-such-model"]) {
      await expect(find({ model })).rejects.toThrow("does not exist; the embedded models are");
    }
    expect(hub.requests).toEqual([]);
  });

  it("keeps another process out while it is downloaded", async () => {
    const folder = path.join(cache, "org", FakeHub.commit);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, ".lock"), "1");
    await expect(find()).rejects.toThrow(/process 1 is downloading the same model/);
  });
});

describe("the id of a hub's model", () => {
  it("has an owner, a name, perhaps a revision and perhaps a file", () => {
    expect(parseHubId("a/b")).toEqual({ org: "a", name: "b", revision: "main", file: undefined });
    expect(parseHubId("a/b.c@refs/pr/1:d/e.gguf")).toEqual({
      org: "a",
      name: "b.c",
      revision: "refs/pr/1",
      file: "d/e.gguf",
    });
  });

  it.each([
    "a",
    "/a/b",
    "a/b/c",
    "../b",
    "a/..",
    "a/b@..",
    "a/b@x/../y",
    "a/b:../c.gguf",
    "a/b:/c.gguf",
    "a/b:c.bin",
  ])("is not %j", (text) => {
    expect(parseHubId(text)).toBeUndefined();
  });
});

it("the cache is where the environment says", () => {
  expect(defaultModelCache({ HF_HOME: "/h" })).toBe(path.join("/h", "kvasir"));
  expect(defaultModelCache({ XDG_CACHE_HOME: "/c" })).toBe(path.join("/c", "kvasir"));
  expect(defaultModelCache({})).toMatch(/\.cache.kvasir$/);
});

it("a model of a hub is loaded by the server's command and known to fit, once it is there", async () => {
  const folder = modelPath("tiny");
  hub.files.clear();
  for (const name of readdirSync(folder)) hub.files.set(name, readFileSync(path.join(folder, name)));
  const written = { out: "", err: "" };
  const io = {
    stdout: { write: (text: string) => (written.out += text) },
    stderr: { write: (text: string) => (written.err += text) },
    signals: new EventEmitter(),
    environment: { KVASIR_MODEL_CACHE: cache, HF_ENDPOINT: hub.url },
  };
  const early = await runCommand(["fit", "--model", "org/model", "--model-cache", cache], io);
  expect([early, written.err]).toEqual([1, expect.stringContaining("is not in the model cache")]);
  const loaded: string[] = [];
  await runCommand(["--model", "org/model", "--port", "0"], io, (options) => {
    loaded.push(options.model);
    return Promise.reject(new Error("that is enough"));
  });
  expect(loaded.map((model) => path.basename(model))).toEqual(["model"]);
  expect(written.out).toContain("downloading org/model");
  expect(await runCommand(["fit", "--model", "org/model", "--model-cache", cache], io)).toBe(0);
});
