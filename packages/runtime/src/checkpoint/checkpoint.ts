import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Device, dtypeBytes, KernelError, type MappedFile, type Tensor } from "@kvasir/kernels";
import { ConfigError } from "../config/config-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { parseModelConfig } from "../config/parse-config.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { copyTensor } from "./copy-tensor.ts";
import { readJson } from "./read-json.ts";
import { kernelDType } from "./safetensors-dtype.ts";
import type { SafetensorsFile } from "./safetensors-file.ts";
import { quoted, type SafetensorsEntry } from "./safetensors-header.ts";
import { openWeights } from "./shards.ts";
import { systemError } from "./system-error.ts";

/** The weights of a model on disk, mapped for reading, and what its config says. */
export interface Checkpoint extends Disposable {
  readonly config: ModelConfig;
  /** The folder. */
  readonly path: string;
  /** Of every tensor in the files, sorted. */
  readonly names: readonly string[];
  /** Bytes of all tensors in the files. */
  readonly weightBytes: number;
  has(name: string): boolean;
  /**
   * A view of the mapped file (or, where the file does not align it, a copy); the caller disposes it. It
   * outlives the checkpoint. Marks `name` as used.
   * Throws `CheckpointError`: `missing-tensor`, `wrong-shape`, `unsupported-dtype` (not F32, F16 or BF16).
   */
  tensor(name: string, shape: readonly number[]): Tensor;
  /** Names that `tensor()` has not given, sorted: a model that leaves any misreads the checkpoint. */
  unused(): string[];
  /** Closes the files; tensors already taken stay valid. */
  dispose(): void;
}

/** Bytes of config.json and of generation_config.json. */
const configLimit = 1_000_000;

/**
 * Opens a folder in the Hugging Face layout: `config.json`, optionally `generation_config.json`, and
 * `model.safetensors` or the shards that `model.safetensors.index.json` lists. Reads headers only.
 * Nothing in the files is trusted: throws `CheckpointError` or `ConfigError`, naming file and cause.
 */
export async function openCheckpoint(path: string, device: Device): Promise<Checkpoint> {
  await checkFolder(path);
  const config = await readConfig(path);
  const files = await openWeights(path);
  const mapped: MappedFile[] = [];
  try {
    for (const file of files) mapped.push(await mapFile(file, device));
  } catch (error) {
    for (const file of mapped) file.dispose();
    throw error;
  }
  return new MappedCheckpoint(path, config, device, files, mapped);
}

async function checkFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error) => {
    const failure = systemError(error, path);
    if (!(failure instanceof CheckpointError) || failure.code !== "not-found") throw failure;
    throw new CheckpointError("not-found", path, "there is no such folder", { cause: error });
  });
  if (!found.isDirectory()) {
    throw new CheckpointError("not-a-directory", path, "expected a folder with config.json and weights");
  }
}

async function readConfig(folder: string): Promise<ModelConfig> {
  const path = join(folder, "config.json");
  const config = await readJson(path, configLimit);
  const generation = await readJson(join(folder, "generation_config.json"), configLimit).catch((error) => {
    if (error instanceof CheckpointError && error.code === "not-found") return undefined;
    throw error;
  });
  try {
    return parseModelConfig(config, generation);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code, field, received, allowed } = error;
    throw new ConfigError(code, field, received, allowed, { path, cause: error.cause });
  }
}

async function mapFile({ path, size }: SafetensorsFile, device: Device): Promise<MappedFile> {
  const file = await device.mapFile(path).catch((error) => {
    if (!(error instanceof KernelError) || error.code !== "io") throw error;
    throw new CheckpointError("io", path, error.message, { cause: error });
  });
  if (file.size === size) return file;
  file.dispose();
  throw new CheckpointError("io", path, `its size changed from ${size} to ${file.size} bytes while opening`);
}

type Place = { readonly entry: SafetensorsEntry; readonly file: MappedFile; readonly dataOffset: number };

class MappedCheckpoint implements Checkpoint {
  readonly path: string;
  readonly config: ModelConfig;
  readonly names: readonly string[];
  readonly weightBytes: number;
  readonly #device: Device;
  readonly #places = new Map<string, Place>();
  readonly #used = new Set<string>();
  readonly #mapped: readonly MappedFile[];
  #disposed = false;

  constructor(
    path: string,
    config: ModelConfig,
    device: Device,
    files: readonly SafetensorsFile[],
    mapped: readonly MappedFile[],
  ) {
    this.path = path;
    this.config = config;
    this.#device = device;
    this.#mapped = mapped;
    let weightBytes = 0;
    for (const [i, { tensors, dataOffset }] of files.entries()) {
      for (const [name, entry] of tensors) {
        this.#places.set(name, { entry, file: mapped[i]!, dataOffset });
        weightBytes += entry.end - entry.begin;
      }
    }
    this.names = [...this.#places.keys()].sort();
    this.weightBytes = weightBytes;
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  tensor(name: string, shape: readonly number[]): Tensor {
    const fail = (code: CheckpointError["code"], reason: string) =>
      new CheckpointError(code, this.path, `tensor ${quoted(name)} ${reason}`, { tensor: name });
    if (this.#disposed) throw fail("disposed", "was asked for after the checkpoint was disposed");
    const place = this.#places.get(name);
    if (!place) throw fail("missing-tensor", `is missing, expected one of shape [${shape.join(", ")}]`);
    const { entry, file, dataOffset } = place;
    if (entry.shape.length !== shape.length || entry.shape.some((size, i) => size !== shape[i])) {
      const found = entry.shape.join(", ");
      throw fail("wrong-shape", `has shape [${found}], expected [${shape.join(", ")}]`);
    }
    const dtype = kernelDType(entry.dtype);
    if (!dtype) throw fail("unsupported-dtype", `is ${entry.dtype}, expected F32, F16 or BF16`);
    const offset = dataOffset + entry.begin;
    const aligned = offset % dtypeBytes[dtype] === 0;
    const bytes = entry.end - entry.begin;
    const tensor = aligned
      ? file.tensor(dtype, shape, offset)
      : copyTensor(this.#device, { path: file.path, offset, bytes }, dtype, shape);
    this.#used.add(name);
    return tensor;
  }

  unused(): string[] {
    return this.names.filter((name) => !this.#used.has(name));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const file of this.#mapped) file.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
