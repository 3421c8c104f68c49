import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine, repeatable } from "../command-line.ts";
import { readSettings, variableOf } from "./settings.ts";
import { settingsObject, settingsTable } from "./shown-settings.ts";
import { suggestion } from "./suggestion.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kvasir-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

type Sources = { args?: string[]; environment?: Record<string, string>; file?: string; name?: string };

async function read({ args = [], environment = {}, file, name = "kvasir.yaml" }: Sources) {
  const command = commandLine("1.0.0", { out: () => {}, err: () => {} });
  const path = join(folder, name);
  if (file !== undefined) await writeFile(path, file);
  command.parse([...args, ...(file === undefined ? [] : ["--config", path])], { from: "user" });
  const settings = await readSettings(command, environment, repeatable);
  return { flags: command.opts<Record<string, unknown>>(), path, ...settings };
}

describe("settings", () => {
  it("come from flags before the environment before the file before defaults", async () => {
    const file = "port: 3\nmax-waiting: 3\nhost: '::1'\n";
    const environment = { KVASIR_PORT: "2", KVASIR_MAX_WAITING: "2", KVASIR_THREADS: "" };
    const { flags, list, path } = await read({ args: ["--port", "1"], environment, file });
    expect(flags).toMatchObject({ port: 1, maxWaiting: 2, host: "::1", drainSeconds: 10 });
    const from = Object.fromEntries(list.map((setting) => [setting.name, setting.from]));
    expect(from).toMatchObject({
      port: "--port",
      "max-waiting": "KVASIR_MAX_WAITING",
      host: path,
      "drain-seconds": "default",
      threads: "default",
    });
  });

  it("are the same from every source, for every flag", async () => {
    const values: Record<string, string> = {
      model: "tiny-lckv",
      "kv-memory": "1MiB",
      "kv-budget": "0.5",
      "page-tokens": "32",
      backend: "interpreter",
      "request-deadline": "1.5",
      "share-prefixes": "true",
      "api-key": "k",
      "log-level": "warn",
    };
    for (const [name, value] of Object.entries(values)) {
      const flag = value === "true" ? [`--${name}`] : [`--${name}`, value];
      const { flags } = await read({ args: flag });
      expect((await read({ environment: { [variableOf(name)]: value } })).flags).toEqual(flags);
      for (const [text, file] of [
        [`${name}: ${value}`, "a.yaml"],
        [JSON.stringify({ [name]: value }), "a.json"],
      ] as const) {
        const { config, ...others } = (await read({ file: text, name: file })).flags;
        expect(config).toBe(join(folder, file));
        expect(others).toEqual(flags);
      }
    }
  });

  it("that repeat are replaced, not joined, by those of a better source", async () => {
    const file = "kv-option: [sinks=1, recent=2]\napi-key: filed\n";
    expect((await read({ file })).flags).toMatchObject({
      kvOption: ["sinks=1", "recent=2"],
      apiKey: ["filed"],
    });
    const environment = { KVASIR_KV_OPTION: "sinks=3 recent=4", KVASIR_API_KEY: "a b" };
    expect((await read({ file, environment })).flags).toMatchObject({
      kvOption: ["sinks=3", "recent=4"],
      apiKey: ["a", "b"],
    });
    const args = ["--kv-option", "sinks=5"];
    expect((await read({ file, environment, args })).flags).toMatchObject({ kvOption: ["sinks=5"] });
  });

  it.each<[string, Sources, RegExp]>([
    ["an unknown key", { file: "prot: 1" }, /kvasir\.yaml: prot: unknown key \(did you mean port\?\)/],
    ["another spelling", { file: "kv_memory: 1" }, /did you mean kv-memory/],
    ["a key like nothing", { file: "zzzzzzzz: 1" }, /zzzzzzzz: unknown key$/],
    ["__proto__", { file: '{"__proto__": 1}', name: "a.json" }, /__proto__: unknown key/],
    ["a wrong value", { file: "port: many" }, /kvasir\.yaml: port: Expected an integer/],
    ["a wrong choice", { file: "kv-dtype: f8" }, /kv-dtype: .*f32/],
    ["several values", { file: "port: [1, 2]" }, /port: expected one value/],
    ["a nested value", { file: "port: {a: 1}" }, /port: expected a text/],
    ["no value", { file: "port:" }, /port: expected a text/],
    ["an array", { file: "- port" }, /expected keys/],
    ["broken YAML", { file: "port: [" }, /line \d+: not valid YAML/],
    ["a key given twice", { file: "port: 1\nport: 2" }, /line 2: not valid YAML/],
    ["broken JSON", { file: "{", name: "a.json" }, /a\.json: not valid JSON/],
    ["another format", { file: "port = 1", name: "a.toml" }, /expected a name that ends in/],
    ["a wrong variable", { environment: { KVASIR_PORT: "x" } }, /^KVASIR_PORT: Expected an integer/],
    ["a wrong switch", { environment: { KVASIR_ADMIN: "maybe" } }, /^KVASIR_ADMIN: Expected true or false/],
    ["no file", { environment: { KVASIR_CONFIG: "/no/such.yaml" } }, /^--config: .*no.such\.yaml/],
  ])("are refused for %s", async (_, sources, message) => {
    await expect(read(sources)).rejects.toThrow(message);
  });

  it("warn of variables that mean nothing, and know those of other packages", async () => {
    const environment = { KVASIR_PROT: "1", KVASIR_CPU: "avx2", OTHER: "1" };
    expect((await read({ environment })).warnings).toEqual([
      "KVASIR_PROT means nothing (did you mean kvasir_port?)",
    ]);
  });

  it("are shown with their sources and without secrets", async () => {
    const args = ["--api-key", "hush", "--admin-key", "hush", "--cache-secret", "hush", "--port", "1"];
    const { list } = await read({ args });
    const shown = settingsObject(list);
    expect(shown).toMatchObject({
      port: { value: 1, from: "--port" },
      "api-key": { value: ["***"], from: "--api-key" },
      "cache-secret": { value: "***" },
      threads: { value: null, from: "default" },
    });
    expect(JSON.stringify(shown) + settingsTable(list).join()).not.toContain("hush");
  });
});

describe("a suggestion", () => {
  it("is a known name, and found for any one letter that is missing", () => {
    const names = ["kv-memory", "max-waiting", "drain-seconds", "log-level"];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat({ max: 8 }), (name, at) => {
        const typo = name.slice(0, at) + name.slice(at + 1);
        expect(suggestion(typo, names)).toBe(` (did you mean ${name}?)`);
      }),
    );
  });
});
