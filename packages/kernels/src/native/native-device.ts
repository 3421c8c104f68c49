import type { Device, Executable, MappedFile, PageMemory, PageMemorySpec } from "../device.ts";
import { Disposal } from "../disposal.ts";
import type { QuantDType, WeightDType } from "../dtype.ts";
import { KernelError } from "../kernel-error.ts";
import type { Program } from "../program.ts";
import type { Tensor } from "../tensor.ts";
import { validatePageMemorySpec, validateTensorData } from "../validate-memory.ts";
import { validatePack } from "../validate-pack.ts";
import { dtypeCodes } from "./abi-codes.ts";
import type { DeviceHandle, NativeAddon } from "./addon.ts";
import { awaitNative, callNative } from "./native-error.ts";
import { NativeExecutable } from "./native-executable.ts";
import { NativeFile } from "./native-file.ts";
import { NativePageMemory } from "./native-page-memory.ts";
import { NativeTensor } from "./native-tensor.ts";

/** The native kernels as a device: one native thread that takes work in order, and its helpers. */
export class NativeDevice extends Disposal implements Device {
  readonly description: string;
  readonly backend = "native";
  readonly #addon: NativeAddon;
  readonly #handle: DeviceHandle;

  /** `level` is one that the addon lists, or `undefined` for the best. */
  constructor(addon: NativeAddon, level: string | undefined, threads: number) {
    super("device");
    this.#addon = addon;
    this.#handle = callNative(() => addon.openDevice(level, threads));
    this.description = `cpu ${addon.deviceLevel(this.#handle)}, ${threads} thread${threads === 1 ? "" : "s"}`;
  }

  async mapFile(path: string): Promise<MappedFile> {
    this.checkAlive();
    return new NativeFile(this.#addon, this, path);
  }

  tensor(
    dtype: WeightDType,
    shape: readonly number[],
    data: Float32Array | Uint16Array | Uint8Array,
  ): Tensor {
    this.checkAlive();
    validateTensorData(dtype, shape, data);
    const sizes = BigInt64Array.from(shape, BigInt);
    const handle = callNative(() => this.#addon.copyTensor(dtypeCodes[dtype], sizes, data));
    return new NativeTensor(this.#addon, this, handle, dtype, shape);
  }

  async pack(weight: Tensor, dtype?: QuantDType): Promise<Tensor> {
    this.checkAlive();
    if (!(weight instanceof NativeTensor) || weight.device !== this) {
      throw new KernelError("invalid-argument", "weight is of another device");
    }
    weight.checkAlive();
    const packed = validatePack(weight, dtype);
    const { handle, shape } = weight;
    const { tensor, bytes } = await awaitNative(() =>
      this.#addon.packTensor(this.#handle, handle, dtypeCodes[packed]),
    );
    return new NativeTensor(this.#addon, this, tensor, packed, shape, bytes);
  }

  pageMemory(spec: PageMemorySpec): PageMemory {
    this.checkAlive();
    validatePageMemorySpec(spec);
    return new NativePageMemory(this.#addon, this, this.#handle, spec);
  }

  compile(program: Program): Executable {
    this.checkAlive();
    return new NativeExecutable(this.#addon, this, this.#handle, program);
  }

  /** See `probeDevice`, which checks the arguments. */
  async probe(kind: number, bytes: number, seconds: number): Promise<number> {
    this.checkAlive();
    return awaitNative(() => this.#addon.probe(this.#handle, kind, bytes, seconds));
  }

  protected override release(): void {
    this.#addon.close(this.#handle);
  }
}
