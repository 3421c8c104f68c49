import { GgufError, type GgufFile, type GgufTensorType, readGguf } from "@kvasir/gguf";
import type { Device, WeightDType } from "@kvasir/kernels";
import { ConfigError } from "../config/config-error.ts";
import { parseGgufConfig } from "../config/parse-gguf-config.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { configOf } from "./config-of.ts";
import { decodeFloats } from "./decode-floats.ts";
import { ggufName } from "./gguf-names.ts";
import { MappedCheckpoint, mapFiles, type TensorPlace } from "./mapped-checkpoint.ts";
import { readExactly, withFile } from "./safetensors-file.ts";
import { quoted } from "./safetensors-header.ts";

/** The tensor types that load. */
const dtypes: Readonly<Partial<Record<GgufTensorType, WeightDType>>> = {
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  Q8_0: "q8_0",
  Q4_0: "q4_0",
  Q4_1: "q4_1",
  Q5_0: "q5_0",
  Q5_1: "q5_1",
  Q4_K: "q4_k",
  Q5_K: "q5_k",
  Q6_K: "q6_k",
};

const embedding = "token_embd.weight";
const divisors = "rope_freqs.weight";
/** Numbers in `rope_freqs.weight`, one for each pair of a head. */
const divisorLimit = 2 ** 16;
/** Rows of the table; a `ModelConfig` says the same. */
const vocabLimit = 2 ** 20;

/** Opens a GGUF file. The vocabulary in it is the tokenizer's. Throws `CheckpointError` and `ConfigError`. */
export async function openGguf(path: string, device: Device): Promise<MappedCheckpoint> {
  const file = await readGgufHead(path);
  const table = file.tensors.get(embedding);
  const vocabSize = table?.shape.length === 2 ? table.shape[0]! : 0;
  if (vocabSize < 1 || vocabSize > vocabLimit) {
    const found = table ? `has shape [${table.shape.join(", ")}]` : "is missing";
    const reason = `tensor "${embedding}" ${found}, expected one of two dimensions and up to ${vocabLimit} rows`;
    throw new CheckpointError(table ? "wrong-shape" : "missing-tensor", path, reason, { tensor: embedding });
  }
  const ropeDivisors = await readDivisors(file);
  const config = configOf(path, () => {
    refuseExperts(file);
    return parseGgufConfig({
      metadata: file.metadata,
      vocabSize,
      has: (name) => file.tensors.has(name),
      ropeDivisors,
    });
  });
  const files = await mapFiles([file], device);
  const places = new Map<string, TensorPlace>();
  for (const { name, type, shape, offset, bytes } of file.tensors.values()) {
    if (name === divisors) continue;
    places.set(name, { file: files[0]!, type, dtype: dtypes[type], shape, offset, bytes });
  }
  const formats = `one of ${Object.keys(dtypes).join(", ")}`;
  return new MappedCheckpoint({ path, config, device, files, places, formats, nameInFile: ggufName });
}

/** The head of a GGUF file; of the tokenizer only the ids: its lists are long, and the tokenizer's. Throws `CheckpointError`. */
export async function readGgufHead(path: string): Promise<GgufFile> {
  const keys = (key: string) => !key.startsWith("tokenizer.") || /^tokenizer\.ggml\.\w+_token_id$/.test(key);
  try {
    return await readGguf(path, { keys });
  } catch (error) {
    if (!(error instanceof GgufError)) throw error;
    const code = error.code === "io" || error.code === "not-found" ? error.code : "corrupt";
    const reason = error.message.startsWith(`${path}: `)
      ? error.message.slice(path.length + 2)
      : error.message;
    const tensor = error.tensor === undefined ? {} : { tensor: error.tensor };
    throw new CheckpointError(code, path, reason, { ...tensor, cause: error });
  }
}

/** Tensors of expert layers may come without their metadata key. */
function refuseExperts(file: GgufFile): void {
  for (const name of file.tensors.keys()) {
    if (!/_exps\.|_shexp\.|ffn_gate_inp\.|ffn_(gate|up|down)\.\d+\./.test(name)) continue;
    throw new ConfigError("unsupported", "(a tensor's name)", name, "no tensors of a mixture of experts");
  }
}

async function readDivisors(file: GgufFile): Promise<Float32Array | undefined> {
  const tensor = file.tensors.get(divisors);
  if (!tensor) return undefined;
  const { type, shape, offset, bytes } = tensor;
  const fail = (code: CheckpointError["code"], reason: string) =>
    new CheckpointError(code, file.path, `tensor ${quoted(divisors)} ${reason}`, { tensor: divisors });
  if (type !== "F32") throw fail("unsupported-dtype", `is ${type}, expected F32`);
  if (shape.length !== 1 || shape[0]! > divisorLimit) {
    throw fail("wrong-shape", `has shape [${shape.join(", ")}], expected [1] to [${divisorLimit}]`);
  }
  const data = await withFile(file.path, (handle) => readExactly(handle, file.path, offset, bytes));
  const numbers = decodeFloats("f32", data);
  const bad = numbers.find((number) => !(number > 0 && Number.isFinite(number)));
  if (bad !== undefined) throw fail("corrupt", `holds ${bad}, expected finite numbers above 0`);
  return numbers;
}
