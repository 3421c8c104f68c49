import { readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Device, openDevice } from "@kvasir/kernels";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CheckpointError,
  ConfigError,
  loadModel,
  ModelError,
  type ModelOptions,
  openCheckpoint,
} from "../src/index.ts";
import {
  floatWeight,
  type GgufModelOptions,
  type GgufWeight,
  weightsOf,
  writeGgufModel,
} from "./gguf-model.ts";
import { randomWeights, smallConfig } from "./random-checkpoint.ts";

const sound: GgufModelOptions = { config: smallConfig, weights: weightsOf(randomWeights()) };
const u32 = (value: number) => ({ type: "u32", value }) as const;
const vector = (...values: number[]) => floatWeight([values.length], Float32Array.from(values));

let device: Device;
beforeAll(() => {
  device = openDevice({ backend: "interpreter" });
});
afterAll(() => device.dispose());

type Failure = CheckpointError | ConfigError | ModelError;

/** Where every hostile file must end: one typed error with a message that fits a log, and nothing kept. */
async function refusal(path: string, options: Omit<ModelOptions, "device"> = {}): Promise<Failure> {
  const error = await loadModel(path, { device, ...options }).then(
    () => undefined,
    (error) => error,
  );
  const typed =
    error instanceof CheckpointError || error instanceof ConfigError || error instanceof ModelError;
  expect(typed, String(error)).toBe(true);
  expect(error.message.length).toBeLessThan(1500);
  return error;
}

async function refusalOf(change: Partial<GgufModelOptions>): Promise<Failure> {
  using file = await writeGgufModel({ ...sound, ...change });
  return await refusal(file.path);
}

const without = (name: string) => {
  const { [name]: _, ...weights } = sound.weights;
  return weights;
};

it("the file that the others spoil loads, whatever its name says", async () => {
  using file = await writeGgufModel(sound);
  const other = join(file.path, "..", "weights.bin");
  renameSync(file.path, other);
  using checkpoint = await openCheckpoint(other, device);
  expect(checkpoint.names).toContain("blk.1.ffn_down.weight");
  expect(checkpoint.has("model.layers.1.mlp.down_proj.weight")).toBe(true);
  (await loadModel(other, { device })).dispose();
});

describe("a file that is no sound GGUF file", () => {
  it.each(["", "GGU", "hello, this is text", "GGUF", "GGUF\u0003\u0000\u0000\u0000"])("%j", async (text) => {
    using file = await writeGgufModel(sound);
    writeFileSync(file.path, text);
    const code = text.startsWith("GGUF") ? "corrupt" : "not-a-directory";
    expect(await refusal(file.path)).toMatchObject({ code, path: file.path });
  });

  it("cut short by a byte", async () => {
    using file = await writeGgufModel(sound);
    truncateSync(file.path, readFileSync(file.path).length - 33);
    expect(await refusal(file.path)).toMatchObject({ code: "corrupt", path: file.path });
  });
});

describe("tensors that do not fit the model", () => {
  it.each(["token_embd", "output_norm", "blk.1.attn_k", "blk.0.ffn_gate"])(
    "%s.weight is missing",
    async (name) => {
      const hf = Object.keys(sound.weights).find((each) =>
        ({
          token_embd: /embed_tokens/,
          output_norm: /^model\.norm/,
          "blk.1.attn_k": /1\.self_attn\.k_proj/,
          "blk.0.ffn_gate": /0\.mlp\.gate_proj/,
        })[name]!.test(each),
      )!;
      expect(await refusalOf({ weights: without(hf) })).toMatchObject({
        code: "missing-tensor",
        tensor: `${name}.weight`,
      });
    },
  );

  it.each<[string, Partial<GgufModelOptions>, string, string]>([
    [
      "an embedding table of one dimension",
      { weights: { ...sound.weights, "model.embed_tokens.weight": vector(1, 2) } },
      "wrong-shape",
      "token_embd.weight",
    ],
    [
      "a norm of another length",
      { weights: { ...sound.weights, "model.norm.weight": vector(1, 2) } },
      "wrong-shape",
      "output_norm.weight",
    ],
    [
      "divisors of the rotation in two dimensions",
      { more: { "rope_freqs.weight": floatWeight([2, 2], new Float32Array(4)) } },
      "wrong-shape",
      "rope_freqs.weight",
    ],
    [
      "divisors that divide by zero",
      { more: { "rope_freqs.weight": vector(1, 0, 1, 1) } },
      "corrupt",
      "rope_freqs.weight",
    ],
  ])("%s", async (_, change, code, tensor) => {
    expect(await refusalOf(change)).toMatchObject({ code, tensor });
  });

  it("a type that does not load: the error names tensor, type and what loads", async () => {
    const name = "model.layers.0.mlp.down_proj.weight";
    const weight: GgufWeight = {
      type: "I16",
      shape: [16, 24],
      bytes: new Uint8Array(768),
      values: new Float32Array(),
    };
    const error = await refusalOf({ weights: { ...sound.weights, [name]: weight } });
    expect(error).toMatchObject({ code: "unsupported-dtype", tensor: "blk.0.ffn_down.weight" });
    expect(error.message).toContain(
      "is I16, expected one of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K",
    );
  });

  it("a norm in blocks", async () => {
    const config = { ...smallConfig, hidden_size: 32 };
    const weights = weightsOf(randomWeights({ sizes: config }));
    const norm: GgufWeight = {
      type: "Q8_0",
      shape: [32],
      bytes: new Uint8Array(34),
      values: new Float32Array(),
    };
    const error = await refusalOf({ config, weights: { ...weights, "model.norm.weight": norm } });
    expect(error).toMatchObject({ code: "unsupported-dtype", tensor: "output_norm.weight" });
  });

  it("one that the model does not use", async () => {
    const error = await refusalOf({ more: { "blk.0.attn_sinks.weight": vector(1) } });
    expect(error).toMatchObject({ code: "leftover-weights" });
    expect(error.message).toContain("blk.0.attn_sinks.weight");
  });

  it("experts, with and without their key", async () => {
    const more = { "blk.0.ffn_gate_exps.weight": vector(1) };
    expect((await refusalOf({ more })).message).toContain("mixture of experts");
    expect(await refusalOf({ keys: { "llama.expert_count": u32(8) } })).toMatchObject({
      code: "unsupported",
      field: "llama.expert_count",
    });
  });

  it("more layers than there are, in a config that says so", async () => {
    const error = await refusalOf({ keys: { "llama.block_count": u32(1024) } });
    expect(error).toMatchObject({ code: "missing-tensor", tensor: "blk.2.attn_norm.weight" });
  });
});

it("an old file's frequencies of each layer change nothing", async () => {
  using file = await writeGgufModel({ ...sound, more: { "blk.0.attn_rot_embd.weight": vector(1, 2, 3, 4) } });
  (await loadModel(file.path, { device })).dispose();
});

it("a file with any bytes changed opens or is refused with a typed error", async () => {
  using file = await writeGgufModel(sound);
  const bytes = readFileSync(file.path);
  // Metadata and tensor descriptions; what follows are numbers, of which any are good.
  const head = 4000;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat(head), byte: fc.nat(255) }), { minLength: 1, maxLength: 4 }),
      async (damages) => {
        const copy = Buffer.from(bytes);
        for (const { at, byte } of damages) copy[at] = byte;
        writeFileSync(file.path, copy);
        try {
          (await loadModel(file.path, { device })).dispose();
        } catch (error) {
          const typed =
            error instanceof CheckpointError || error instanceof ConfigError || error instanceof ModelError;
          if (!typed) throw error;
        }
      },
    ),
    { numRuns: 400 },
  );
});
