import { isQuantDType, type QuantDType, type WeightDType } from "../dtype.ts";
import { decode } from "./float-format.ts";
import { type QuantMatrix, quantMatrix } from "./quant-matrix.ts";
import { SharedUse } from "./shared-use.ts";
import type { Work } from "./work-queue.ts";

/** Where a tensor's bytes come from; `close` tells that they will not be read again. */
export type WeightSource = { read(): Promise<ArrayBuffer>; close(): void };

/** The values of a tensor, read and decoded when first used. */
export class Weights {
  /** The tensor and the programs that use it, each of which may be disposed first. */
  readonly use = new SharedUse(() => this.#close());
  readonly dtype: WeightDType;
  #source: WeightSource | undefined;
  #bytes: ArrayBuffer | undefined;
  #values: Float32Array | undefined;
  #matrix: QuantMatrix | undefined;

  constructor(dtype: WeightDType, source: WeightSource) {
    this.dtype = dtype;
    this.#source = source;
  }

  /** Fetches the bytes; has to come before what reads them. */
  async load(): Promise<void> {
    if (this.#source === undefined) return;
    this.#bytes = await this.#source.read();
    this.#close();
  }

  /** Of a float tensor. */
  *decoded(): Work<Float32Array> {
    if (this.#values === undefined) {
      const bytes = this.#bytes!;
      this.#values =
        this.dtype === "f16" || this.dtype === "bf16"
          ? yield* decode(this.dtype, new Uint16Array(bytes))
          : new Float32Array(bytes);
      this.#bytes = undefined;
    }
    return this.#values;
  }

  /** The bytes of a quantised tensor that is not packed. */
  blocks(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes!);
  }

  /** Of a packed tensor. */
  *matrix(): Work<QuantMatrix> {
    if (this.#matrix === undefined) {
      this.#matrix = yield* quantMatrix(this.dtype as QuantDType, new Uint8Array(this.#bytes!));
      this.#bytes = undefined;
    }
    return this.#matrix;
  }

  get quantised(): boolean {
    return isQuantDType(this.dtype);
  }

  #close(): void {
    this.#source?.close();
    this.#source = undefined;
  }
}
