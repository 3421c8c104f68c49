import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Device, openDevice } from "@kvasir/kernels";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CheckpointError } from "../src/checkpoint/checkpoint-error.ts";
import { encodeSafetensors, f32, halves, withHeader } from "../src/checkpoint/encode-safetensors.ts";
import { openCheckpoint } from "../src/checkpoint/open-checkpoint.ts";
import { ConfigError } from "../src/config/config-error.ts";

const config = JSON.stringify({
  model_type: "lckv-llama",
  hidden_size: 4,
  intermediate_size: 8,
  num_attention_heads: 2,
  num_hidden_layers: 4,
  vocab_size: 10,
  layer_types: "0_2_2_3",
  rope_scaling: { type: "linear", factor: 2 },
});
const weights = encodeSafetensors({
  embed: f32([2, 2], [1, 2, 3, 4]),
  norm: halves("BF16", [2], [0x3f80, 0x4000]),
});

let device: Device;
let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(() => {
  device = openDevice({ backend: "interpreter" });
});
afterAll(() => device.dispose());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kvasir-hostile-"));
  writeFileSync(at("config.json"), config);
  writeFileSync(at("model.safetensors"), weights);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Where every hostile folder must end: one typed error with a message that fits a log. */
async function refusal(path = folder): Promise<CheckpointError | ConfigError> {
  const error = await openCheckpoint(path, device).then(
    () => undefined,
    (error) => error,
  );
  expect(error instanceof CheckpointError || error instanceof ConfigError, String(error)).toBe(true);
  expect(error.message.length).toBeLessThan(1500);
  return error;
}

it("the folder that the others spoil opens", async () => {
  using checkpoint = await openCheckpoint(folder, device);
  expect(checkpoint.names).toEqual(["embed", "norm"]);
});

describe("a path that is no checkpoint", () => {
  it("nothing there", async () => {
    expect(await refusal(at("gone"))).toMatchObject({ code: "not-found", path: at("gone") });
  });

  it("a file, or something below a file", async () => {
    expect(await refusal(at("config.json"))).toMatchObject({ code: "not-a-directory" });
    expect(await refusal(join(at("config.json"), "x"))).toMatchObject({ code: "not-found" });
  });

  it("a link to itself", async () => {
    symlinkSync(at("loop"), at("loop"));
    expect(await refusal(at("loop"))).toMatchObject({ code: "io" });
  });

  it.each(["config.json", "model.safetensors"])("a folder without %s", async (name) => {
    rmSync(at(name));
    const error = await refusal();
    expect(error).toMatchObject({ code: "not-found" });
    expect(error.message).toContain(name);
  });
});

describe("a file that is something else", () => {
  it.each(["config.json", "generation_config.json", "model.safetensors"])("%s is a folder", async (name) => {
    rmSync(at(name), { force: true });
    mkdirSync(at(name));
    expect(await refusal()).toMatchObject({ code: "io", path: at(name) });
  });

  it.skipIf(process.platform === "win32")(
    "a named pipe, which nobody writes (no pipes on Windows)",
    async () => {
      rmSync(at("model.safetensors"));
      execFileSync("mkfifo", [at("model.safetensors")]);
      expect(await refusal()).toMatchObject({ code: "io", path: at("model.safetensors") });
    },
  );
});

describe("config.json", () => {
  it.each([
    ["nothing", ""],
    ["half a file", config.slice(0, 40)],
    ["a page of an error", "<!DOCTYPE html>"],
    ["a pointer to large storage", "version https://git-lfs.github.com/spec/v1\n"],
    ["nesting without end", "[".repeat(500_000)],
    ["bytes that are not text", Uint8Array.of(0x7b, 0xff, 0x7d)],
  ])("that holds %s is not JSON", async (_, content) => {
    writeFileSync(at("config.json"), content);
    expect(await refusal()).toMatchObject({ code: "invalid-json", path: at("config.json") });
  });

  it("with a wrong field is named with the field", async () => {
    writeFileSync(at("config.json"), config.replace('"vocab_size":10', '"vocab_size":-1'));
    const error = await refusal();
    expect(error).toMatchObject({ name: "ConfigError", field: "vocab_size", path: at("config.json") });
    expect(error.message).toBe(
      `${at("config.json")}: vocab_size: expected a whole number from 1 to 1048576, received -1`,
    );
  });

  it("whose nested value is deep is refused without deep recursion", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    writeFileSync(at("config.json"), config.replace('"factor":2', `"factor":${deep}`));
    expect(await refusal()).toMatchObject({ field: "rope_scaling.factor" });
    writeFileSync(
      at("config.json"),
      config.replace('"rope_scaling"', `"rope_parameters":{"a":${deep}},"rope_scaling"`),
    );
    await refusal();
  });

  it("of 8 GB is refused by its size", async () => {
    truncateSync(at("config.json"), 8e9);
    expect(await refusal()).toMatchObject({ code: "invalid-json" });
  });

  it("generation_config.json is no less checked", async () => {
    writeFileSync(at("generation_config.json"), "[");
    expect(await refusal()).toMatchObject({ code: "invalid-json", path: at("generation_config.json") });
    writeFileSync(at("generation_config.json"), '{"eos_token_id": 10}');
    expect(await refusal()).toMatchObject({ field: "generation_config.eos_token_id" });
  });
});

describe("model.safetensors", () => {
  it("cut short anywhere is corrupt", async () => {
    for (let size = 0; size < weights.length; size++) {
      writeFileSync(at("model.safetensors"), weights.subarray(0, size));
      expect(await refusal()).toMatchObject({ code: "corrupt", path: at("model.safetensors") });
    }
  });

  it.each([
    ["one byte more than there is", BigInt(weights.length - 7)],
    ["100 MB and one byte", 100_000_001n],
    ["2^40 bytes", 2n ** 40n],
    ["2^64 - 1 bytes", 2n ** 64n - 1n],
  ])("whose header claims %s is refused before memory is taken", async (_, claim) => {
    const file = Buffer.from(weights);
    file.writeBigUInt64LE(claim);
    writeFileSync(at("model.safetensors"), file);
    if (claim === 100_000_001n) truncateSync(at("model.safetensors"), 10e9);
    const before = process.memoryUsage().arrayBuffers;
    const error = await refusal();
    expect(error.message).toContain(`claims a header of ${claim} bytes`);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  });

  it("of 10 GB of zeros is refused", async () => {
    writeFileSync(at("model.safetensors"), "");
    truncateSync(at("model.safetensors"), 10e9);
    expect(await refusal()).toMatchObject({ code: "corrupt" });
  });

  it("of another format is corrupt", async () => {
    for (const text of [
      "GGUF\u0003\u0000\u0000\u0000 and so on",
      "PK\u0003\u0004 a pickle",
      "version https://git-lfs",
    ]) {
      writeFileSync(at("model.safetensors"), text);
      expect(await refusal()).toMatchObject({ code: "corrupt" });
    }
  });
});

describe("model.safetensors.index.json", () => {
  const index = (content: unknown) => {
    rmSync(at("model.safetensors"), { force: true });
    writeFileSync(
      at("model.safetensors.index.json"),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  };

  it.each([
    "../model.safetensors",
    "..\\model.safetensors",
    "/etc/passwd",
    "/tmp/model.safetensors",
    "C:\\model.safetensors",
    "sub/model.safetensors",
    "./model.safetensors",
    ".safetensors",
    "..",
    "",
    "model.bin",
    "a\u0000.safetensors",
    "a\n.safetensors",
    `${"a".repeat(300)}.safetensors`,
    7,
    null,
    ["model.safetensors"],
  ])("never leads to %j", async (shard) => {
    index({ weight_map: { embed: shard } });
    expect(await refusal()).toMatchObject({ code: "invalid-index", tensor: "embed" });
  });

  it.each([null, [], 7, "x", {}, { weight_map: null }, { weight_map: [] }, { weight_map: {} }])(
    "that holds %j is refused",
    async (content) => {
      index(JSON.stringify(content));
      expect(await refusal()).toMatchObject({ code: "invalid-index" });
    },
  );

  it("that is not JSON, or that names ever more files, is refused", async () => {
    index('{"weight_map"');
    expect(await refusal()).toMatchObject({ code: "invalid-json" });
    const names = Array.from({ length: 5000 }, (_, i) => [`t${i}`, `${i}.safetensors`]);
    index({ weight_map: Object.fromEntries(names) });
    expect(await refusal()).toMatchObject({ code: "invalid-index" });
  });

  it("a shard that is corrupt is named", async () => {
    index({ weight_map: { embed: "a.safetensors" } });
    writeFileSync(at("a.safetensors"), withHeader("{"));
    expect(await refusal()).toMatchObject({ code: "corrupt", path: at("a.safetensors") });
  });
});

it("1,500 folders with damaged bytes give a typed error, or a checkpoint whose tensors can be taken", async () => {
  const files = { "config.json": Buffer.from(config), "model.safetensors": weights };
  const damage = fc.record({
    name: fc.constantFrom("config.json", "model.safetensors"),
    at: fc.nat(1000),
    byte: fc.nat(255),
    size: fc.option(fc.nat(1000), { freq: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
      const spoiled = { ...files };
      for (const { name, at: place, byte, size } of damages as {
        name: keyof typeof files;
        at: number;
        byte: number;
        size: number | null;
      }[]) {
        const copy = Buffer.from(spoiled[name].subarray(0, size ?? undefined));
        if (copy.length > 0) copy[place % copy.length] = byte;
        spoiled[name] = copy;
      }
      for (const [name, content] of Object.entries(spoiled)) writeFileSync(at(name), content);
      try {
        using checkpoint = await openCheckpoint(folder, device);
        for (const shape of [[2, 2], [2]]) checkpoint.tensor(checkpoint.names[0] ?? "none", shape).dispose();
      } catch (error) {
        if (!(error instanceof CheckpointError || error instanceof ConfigError)) throw error;
      }
    }),
    { numRuns: 1500 },
  );
});
