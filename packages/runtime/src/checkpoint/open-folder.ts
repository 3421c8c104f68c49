import { join } from "node:path";
import type { Device } from "@kvasir/kernels";
import type { ModelConfig } from "../config/model-config.ts";
import { parseModelConfig } from "../config/parse-config.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { configOf } from "./config-of.ts";
import { MappedCheckpoint, mapFiles, type TensorPlace } from "./mapped-checkpoint.ts";
import { readJson } from "./read-json.ts";
import { kernelDType } from "./safetensors-dtype.ts";
import { openWeights } from "./shards.ts";

/** Bytes of config.json and of generation_config.json. */
const configLimit = 1_000_000;

/** Opens a folder in the Hugging Face layout. Throws `CheckpointError` and `ConfigError`. */
export async function openFolder(path: string, device: Device): Promise<MappedCheckpoint> {
  const config = await readConfig(path);
  const files = await openWeights(path);
  const mapped = await mapFiles(files, device);
  const places = new Map<string, TensorPlace>();
  for (const [i, { tensors, dataOffset }] of files.entries()) {
    for (const [name, { dtype, shape, begin, end }] of tensors) {
      places.set(name, {
        file: mapped[i]!,
        type: dtype,
        dtype: kernelDType(dtype),
        shape,
        offset: dataOffset + begin,
        bytes: end - begin,
      });
    }
  }
  const formats = "F32, F16 or BF16";
  return new MappedCheckpoint({
    path,
    config,
    device,
    files: mapped,
    places,
    formats,
    nameInFile: (name) => name,
  });
}

async function readConfig(folder: string): Promise<ModelConfig> {
  const path = join(folder, "config.json");
  const config = await readJson(path, configLimit);
  const generation = await readJson(join(folder, "generation_config.json"), configLimit).catch((error) => {
    if (error instanceof CheckpointError && error.code === "not-found") return undefined;
    throw error;
  });
  return configOf(path, () => parseModelConfig(config, generation));
}
