import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Device, openDevice } from "@kvasir/kernels";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CheckpointError } from "./checkpoint-error.ts";
import { encodeSafetensors, f32, halves, withHeader } from "./encode-safetensors.ts";
import { openCheckpoint } from "./open-checkpoint.ts";

const config = {
  model_type: "llama",
  hidden_size: 4,
  intermediate_size: 8,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  vocab_size: 10,
};

let folder: string;
let device: Device;
/** What was asked of mapped files and of the device, in order. */
let views: [dtype: string, shape: readonly number[], offset: number][];
let copies: [dtype: string, shape: readonly number[], data: number[]][];
let openFiles: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kvasir-checkpoint-"));
  write("config.json", JSON.stringify(config));
  [views, copies, openFiles] = [[], [], 0];
  device = recording(openDevice({ backend: "interpreter" }));
});

afterEach(() => {
  device.dispose();
  rmSync(folder, { recursive: true });
});

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(folder, name), content);
}

/** A device that keeps what it was asked for. */
function recording(real: Device): Device {
  return Object.assign(Object.create(real), {
    dispose: () => real.dispose(),
    tensor: (dtype: "f32", shape: number[], data: Float32Array) => {
      copies.push([dtype, shape, [...data]]);
      return real.tensor(dtype, shape, data);
    },
    mapFile: async (path: string) => {
      const file = await real.mapFile(path);
      openFiles++;
      return {
        path,
        size: file.size,
        tensor: (dtype: "f32", shape: number[], offset: number) => {
          views.push([dtype, shape, offset]);
          return file.tensor(dtype, shape, offset);
        },
        dispose: () => {
          openFiles--;
          file.dispose();
        },
      };
    },
  });
}

async function errorOf(opening: Promise<unknown>): Promise<CheckpointError> {
  const error = await opening.then(
    () => undefined,
    (error) => error,
  );
  expect(error).toMatchObject({ name: "CheckpointError" });
  return error;
}

const embed = f32([2, 2], [1, 2, 3, 4]);
const norm = halves("BF16", [2], [0x3f80, 0x4000]);

describe("one file", () => {
  const file = encodeSafetensors({
    norm,
    embed,
    mask: { dtype: "I64", shape: [1], data: new Uint8Array(8) },
  });
  const dataOffset = file.length - 28;

  beforeEach(() => write("model.safetensors", file));

  it("gives names, bytes and views at their place in the file", async () => {
    using checkpoint = await openCheckpoint(folder, device);
    expect(checkpoint.config.family).toBe("llama");
    expect(checkpoint).toMatchObject({ path: folder, names: ["embed", "mask", "norm"], weightBytes: 28 });
    expect([checkpoint.has("norm"), checkpoint.has("toString")]).toEqual([true, false]);
    using tensor = checkpoint.tensor("embed", [2, 2]);
    expect(tensor).toMatchObject({ dtype: "f32", shape: [2, 2], bytes: 16 });
    checkpoint.tensor("norm", [2]).dispose();
    expect(views).toEqual([
      ["f32", [2, 2], dataOffset + 4],
      ["bf16", [2], dataOffset],
    ]);
  });

  it("names what was never used", async () => {
    using checkpoint = await openCheckpoint(folder, device);
    checkpoint.tensor("embed", [2, 2]).dispose();
    expect(() => checkpoint.tensor("norm", [3])).toThrow();
    expect(checkpoint.unused()).toEqual(["mask", "norm"]);
  });

  it("names a missing or misshapen tensor with both shapes, and a format that does not run", async () => {
    using checkpoint = await openCheckpoint(folder, device);
    const asking = (name: string, shape: number[]) => {
      try {
        checkpoint.tensor(name, shape);
      } catch (error) {
        const { code, tensor, message } = error as CheckpointError;
        expect(tensor).toBe(name);
        return [code, message.slice(folder.length + 2)];
      }
      throw new Error("expected an error");
    };
    expect(asking("head", [10, 4])).toEqual([
      "missing-tensor",
      'tensor "head" is missing, expected one of shape [10, 4]',
    ]);
    expect(asking("embed", [4])).toEqual(["wrong-shape", 'tensor "embed" has shape [2, 2], expected [4]']);
    expect(asking("embed", [2, 3])).toEqual([
      "wrong-shape",
      'tensor "embed" has shape [2, 2], expected [2, 3]',
    ]);
    expect(asking("mask", [1])).toEqual([
      "unsupported-dtype",
      'tensor "mask" is I64, expected F32, F16 or BF16',
    ]);
  });

  it("closes its file once, leaves tensors alive and gives no more of them", async () => {
    const checkpoint = await openCheckpoint(folder, device);
    const tensor = checkpoint.tensor("embed", [2, 2]);
    checkpoint.dispose();
    checkpoint.dispose();
    expect(openFiles).toBe(0);
    expect(tensor.bytes).toBe(16);
    tensor.dispose();
    expect(() => checkpoint.tensor("embed", [2, 2])).toThrow(expect.objectContaining({ code: "disposed" }));
  });

  it("is preferred to an index", async () => {
    write("model.safetensors.index.json", "not JSON");
    using checkpoint = await openCheckpoint(folder, device);
    expect(checkpoint.names.length).toBe(3);
  });
});

it("copies a tensor that the file does not align", async () => {
  const header = JSON.stringify({
    flag: { dtype: "BOOL", shape: [1], data_offsets: [0, 1] },
    embed: { dtype: "F32", shape: [2, 2], data_offsets: [1, 17] },
    norm: { dtype: "BF16", shape: [2], data_offsets: [17, 21] },
  });
  write("model.safetensors", withHeader(header, Buffer.concat([Uint8Array.of(1), embed.data, norm.data])));
  using checkpoint = await openCheckpoint(folder, device);
  checkpoint.tensor("embed", [2, 2]).dispose();
  checkpoint.tensor("norm", [2]).dispose();
  expect(views).toEqual([]);
  expect(copies).toEqual([
    ["f32", [2, 2], [1, 2, 3, 4]],
    ["bf16", [2], [0x3f80, 0x4000]],
  ]);
});

it("takes token ids from generation_config.json", async () => {
  write("model.safetensors", encodeSafetensors({ embed }));
  write("generation_config.json", JSON.stringify({ eos_token_id: [7, 8] }));
  using checkpoint = await openCheckpoint(folder, device);
  expect(checkpoint.config.eosIds).toEqual([7, 8]);
});

describe("shards", () => {
  const index = (weight_map: unknown) =>
    write("model.safetensors.index.json", JSON.stringify({ metadata: {}, weight_map }));
  const one = "model-00001-of-00002.safetensors";
  const two = "model-00002-of-00002.safetensors";

  beforeEach(() => {
    write(one, encodeSafetensors({ embed }));
    write(two, encodeSafetensors({ norm }));
  });

  it("are one checkpoint", async () => {
    index({ embed: one, norm: two });
    const checkpoint = await openCheckpoint(folder, device);
    expect(checkpoint).toMatchObject({ names: ["embed", "norm"], weightBytes: 20 });
    checkpoint.tensor("norm", [2]).dispose();
    expect(checkpoint.unused()).toEqual(["embed"]);
    expect(openFiles).toBe(2);
    checkpoint.dispose();
    expect(openFiles).toBe(0);
  });

  it("may hold tensors that the index does not list: they count as unused", async () => {
    write(two, encodeSafetensors({ norm, extra: f32([1], [1]) }));
    index({ embed: one, norm: two });
    using checkpoint = await openCheckpoint(folder, device);
    expect(checkpoint.unused()).toContain("extra");
  });

  it.each([
    ["listed but in no file", "invalid-index", "head", { embed: one, norm: two, head: one }],
    ["listed in the wrong file", "invalid-index", "embed", { embed: two, norm: one }],
    ["listed as __proto__", "invalid-index", "__proto__", JSON.parse(`{"__proto__": "${one}"}`)],
  ])("a tensor %s is an error that names it", async (_, code, tensor, map) => {
    index(map);
    expect(await errorOf(openCheckpoint(folder, device))).toMatchObject({ code, tensor });
  });

  it("a tensor in two files is an error that names it", async () => {
    write(two, encodeSafetensors({ norm, embed }));
    index({ embed: one, norm: two });
    const error = await errorOf(openCheckpoint(folder, device));
    expect(error).toMatchObject({ code: "invalid-index", tensor: "embed" });
    expect(error.message).toContain(one);
    expect(error.message).toContain(two);
  });

  it("a missing file is named", async () => {
    index({ embed: one, norm: "model-00003-of-00002.safetensors" });
    const error = await errorOf(openCheckpoint(folder, device));
    expect(error).toMatchObject({
      code: "not-found",
      path: join(folder, "model-00003-of-00002.safetensors"),
    });
  });

  it("closes the files that it had opened when a later one cannot be", async () => {
    index({ embed: one, norm: two });
    const mapFile = device.mapFile.bind(device);
    device.mapFile = async (path) => {
      if (path.endsWith(two)) throw new TypeError("no more files");
      return mapFile(path);
    };
    await expect(openCheckpoint(folder, device)).rejects.toThrow("no more files");
    expect(openFiles).toBe(0);
  });
});
