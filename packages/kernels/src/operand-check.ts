import { checkInteger, invalidArgument } from "./check-argument.ts";
import { isQuantDType } from "./dtype.ts";
import type { BufferSpec, Program } from "./program.ts";
import type { Tensor } from "./tensor.ts";

type Rows = BufferSpec["rows"];

/** Checks what instructions name, in their order, and remembers what has been written so far. */
export class OperandCheck {
  readonly program: Program;
  /** How messages call the instruction at hand. */
  instruction = "";
  readonly #written = new Set<number>();
  /** Of the iterate at hand: what its body has read that was there before it, and what it has written. */
  #body: { readonly read: Set<number>; readonly written: Set<number> } | undefined;

  constructor(program: Program) {
    this.program = program;
  }

  openBody(): void {
    this.#body = { read: new Set(), written: new Set() };
  }

  closeBody(): void {
    this.#body = undefined;
  }

  /** Returns the width of a buffer that may be read. */
  read(field: string, buffer: number, rows?: Rows): number {
    const width = this.width(field, buffer, rows);
    if (!this.#written.has(buffer)) this.fail(field, `is buffer ${buffer}`, "one that was written before");
    if (this.#body?.written.has(buffer) === false) this.#body.read.add(buffer);
    return width;
  }

  /** The same as `read`, of a buffer that must look like `other`. */
  readLike(field: string, buffer: number, other: number): void {
    this.read(field, buffer);
    this.#like(field, buffer, other);
  }

  write(buffer: number): void {
    if (this.#body?.read.has(buffer)) {
      this.fail("out", `is buffer ${buffer}`, "one that the iterate's body does not read from before it");
    }
    this.#body?.written.add(buffer);
    this.#written.add(buffer);
  }

  /** The same as `write`, of a buffer that must look like `other`. */
  writeLike(buffer: number, other: number): void {
    this.#like("out", buffer, other);
    this.write(buffer);
  }

  width(field: string, buffer: number, rows?: Rows): number {
    this.index(field, buffer, this.program.buffers.length);
    const spec = this.program.buffers[buffer]!;
    if (rows !== undefined && spec.rows !== rows) {
      this.fail(field, `is buffer ${buffer} with rows ${spec.rows}`, `rows ${rows}`);
    }
    if (this.#body !== undefined && spec.rows === "outputs") {
      this.fail(field, `is buffer ${buffer} with rows outputs`, "rows tokens inside an iterate");
    }
    return spec.width;
  }

  expectWidth(field: string, found: number, expected: number): void {
    if (found !== expected) this.fail(field, `has width ${found}`, `width ${expected}`);
  }

  /** Returns how many heads a width holds. */
  heads(field: string, width: number): number {
    const { headDim } = this.program;
    if (width % headDim !== 0) this.fail(field, `has width ${width}`, `a multiple of headDim (${headDim})`);
    return width / headDim;
  }

  /** A norm's weight or a bias. */
  floatTensor(field: string, tensor: number): Tensor {
    const found = this.#tensor(field, tensor);
    if (isQuantDType(found.dtype)) {
      this.fail(field, `is tensor ${tensor} of dtype ${found.dtype}`, "f32, f16 or bf16");
    }
    return found;
  }

  /** What `embed` reads rows of. */
  table(field: string, tensor: number, shape: readonly number[]): void {
    const found = this.#tensor(field, tensor);
    if (found.packed) {
      this.fail(
        field,
        `is tensor ${tensor}, which is packed`,
        "one that is not: only linear and gated read those",
      );
    }
    this.expectShape(field, tensor, found, shape);
  }

  /** What `linear` and `gated` multiply by. */
  weight(field: string, tensor: number, shape: readonly number[]): Tensor {
    const found = this.#tensor(field, tensor);
    if (isQuantDType(found.dtype) && !found.packed) {
      const expected = "it packed (Device.pack), or f32, f16 or bf16";
      this.fail(field, `is tensor ${tensor} of dtype ${found.dtype}, not packed`, expected);
    }
    this.expectShape(field, tensor, found, shape);
    return found;
  }

  expectShape(field: string, tensor: number, { shape: found }: Tensor, shape: readonly number[]): void {
    if (found.length !== shape.length || found.some((size, i) => size !== shape[i])) {
      this.fail(field, `is tensor ${tensor} [${String(found)}]`, `[${String(shape)}]`);
    }
  }

  index(field: string, value: number, count: number): void {
    checkInteger(`${this.instruction}: ${field}`, value, 0, count - 1);
  }

  fail(field: string, found: string, expected: string): never {
    invalidArgument(`${this.instruction}: ${field} ${found}; expected ${expected}`);
  }

  #tensor(field: string, tensor: number): Tensor {
    this.index(field, tensor, this.program.tensors.length);
    return this.program.tensors[tensor]!;
  }

  #like(field: string, buffer: number, other: number): void {
    const { rows, width } = this.program.buffers[other]!;
    this.expectWidth(field, this.width(field, buffer, rows), width);
  }
}
