import type { DType } from "../dtype.ts";
import { decode } from "./float-format.ts";
import { SharedUse } from "./shared-use.ts";
import type { Work } from "./work-queue.ts";

/** Where a tensor's bytes come from; `close` tells that they will not be read again. */
export type WeightSource = { read(): Promise<ArrayBuffer>; close(): void };

/** The values of a tensor, read and decoded when first used. */
export class Weights {
  /** The tensor and the programs that use it, each of which may be disposed first. */
  readonly use = new SharedUse(() => this.#close());
  readonly #dtype: DType;
  #source: WeightSource | undefined;
  #bytes: ArrayBuffer | undefined;
  #values: Float32Array | undefined;

  constructor(dtype: DType, source: WeightSource) {
    this.#dtype = dtype;
    this.#source = source;
  }

  /** Fetches the bytes; has to come before `decoded`. */
  async load(): Promise<void> {
    if (this.#source === undefined) return;
    this.#bytes = await this.#source.read();
    this.#close();
  }

  *decoded(): Work<Float32Array> {
    if (this.#values === undefined) {
      const bytes = this.#bytes!;
      this.#values =
        this.#dtype === "f32" ? new Float32Array(bytes) : yield* decode(this.#dtype, new Uint16Array(bytes));
      this.#bytes = undefined;
    }
    return this.#values;
  }

  #close(): void {
    this.#source?.close();
    this.#source = undefined;
  }
}
