import {
  type Device,
  dtypeBytes,
  isQuantDType,
  KernelError,
  type MappedFile,
  type Tensor,
  type WeightDType,
} from "@kvasir/kernels";
import type { ModelConfig } from "../config/model-config.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointError } from "./checkpoint-error.ts";
import { copyTensor } from "./copy-tensor.ts";
import { quoted } from "./safetensors-header.ts";

/** Where a tensor's bytes are, checked against the file's size. */
export type TensorPlace = {
  readonly file: MappedFile;
  /** The number format in the file's own words. */
  readonly type: string;
  /** Undefined where the format does not load. */
  readonly dtype: WeightDType | undefined;
  readonly shape: readonly number[];
  /** In the file. */
  readonly offset: number;
  readonly bytes: number;
};

/** What an opened file or folder gives. */
export type CheckpointParts = {
  readonly path: string;
  readonly config: ModelConfig;
  readonly device: Device;
  readonly files: readonly MappedFile[];
  /** By the files' own names. */
  readonly places: ReadonlyMap<string, TensorPlace>;
  /** The number formats that load, in words. */
  readonly formats: string;
  /** From a name in the Hugging Face layout to the files' own. */
  readonly nameInFile: (name: string) => string;
};

/** Maps files one after the other; if one does not map, or has changed since its `size` was read, none stays. */
export async function mapFiles(
  files: readonly { readonly path: string; readonly size: number }[],
  device: Device,
): Promise<MappedFile[]> {
  const mapped: MappedFile[] = [];
  try {
    for (const file of files) mapped.push(await mapFile(file.path, file.size, device));
  } catch (error) {
    for (const file of mapped) file.dispose();
    throw error;
  }
  return mapped;
}

async function mapFile(path: string, size: number, device: Device): Promise<MappedFile> {
  const file = await device.mapFile(path).catch((error) => {
    if (!(error instanceof KernelError) || error.code !== "io") throw error;
    throw new CheckpointError("io", path, error.message, { cause: error });
  });
  if (file.size === size) return file;
  file.dispose();
  throw new CheckpointError("io", path, `its size changed from ${size} to ${file.size} bytes while opening`);
}

/** A checkpoint over mapped files of either layout. */
export class MappedCheckpoint implements Checkpoint {
  readonly path: string;
  readonly config: ModelConfig;
  readonly names: readonly string[];
  readonly weightBytes: number;
  readonly #parts: CheckpointParts;
  readonly #used = new Set<string>();
  #disposed = false;

  constructor(parts: CheckpointParts) {
    this.path = parts.path;
    this.config = parts.config;
    this.names = [...parts.places.keys()].sort();
    this.weightBytes = [...parts.places.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    this.#parts = parts;
  }

  nameInFile(name: string): string {
    return this.#parts.nameInFile(name);
  }

  has(name: string): boolean {
    return this.#parts.places.has(this.nameInFile(name));
  }

  tensor(canonical: string, shape: readonly number[]): Tensor {
    const name = this.nameInFile(canonical);
    const fail = (code: CheckpointError["code"], reason: string) =>
      new CheckpointError(code, this.path, `tensor ${quoted(name)} ${reason}`, { tensor: name });
    if (this.#disposed) throw fail("disposed", "was asked for after the checkpoint was disposed");
    const place = this.#parts.places.get(name);
    if (!place) throw fail("missing-tensor", `is missing, expected one of shape [${shape.join(", ")}]`);
    if (place.shape.length !== shape.length || place.shape.some((size, i) => size !== shape[i])) {
      const found = place.shape.join(", ");
      throw fail("wrong-shape", `has shape [${found}], expected [${shape.join(", ")}]`);
    }
    const { type, dtype, file, offset, bytes } = place;
    if (!dtype) throw fail("unsupported-dtype", `is ${type}, expected ${this.#parts.formats}`);
    if (isQuantDType(dtype) && shape.length !== 2) {
      throw fail("unsupported-dtype", `has one dimension and is ${type}, expected F32, F16 or BF16`);
    }
    const aligned = isQuantDType(dtype) || offset % dtypeBytes[dtype] === 0;
    const tensor = aligned
      ? file.tensor(dtype, shape, offset)
      : copyTensor(this.#parts.device, { path: file.path, offset, bytes }, dtype, shape);
    this.#used.add(name);
    return tensor;
  }

  unused(): string[] {
    return this.names.filter((name) => !this.#used.has(name));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const file of this.#parts.files) file.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
