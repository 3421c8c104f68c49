import type { Device, Executable } from "../src/device.ts";
import type { BufferSpec, Instruction, Program, Rope } from "../src/program.ts";
import { readOutWeight, type Weight } from "./weight.ts";

export type ProgramShape = Pick<Program, "kvLayers" | "kvHeads" | "headDim" | "vocabSize">;

/** A program before it is on a device. */
export class ProgramSketch {
  readonly shape: ProgramShape;
  readonly buffers: BufferSpec[] = [];
  readonly weights: Weight[] = [];
  readonly ropes: Rope[] = [];
  readonly instructions: Instruction[] = [];
  #logits = -1;

  constructor(shape: ProgramShape) {
    this.shape = shape;
  }

  buffer(width: number, rows: BufferSpec["rows"] = "tokens"): number {
    return this.buffers.push({ width, rows }) - 1;
  }

  weight(weight: Weight): number {
    return this.weights.push(weight) - 1;
  }

  rope(rope: Rope): number {
    return this.ropes.push(rope) - 1;
  }

  push(...instructions: Instruction[]): void {
    this.instructions.push(...instructions);
  }

  /** A new buffer with rows of `table` [vocabSize, width]. */
  embed(table: Weight): number {
    const out = this.buffer(table.shape[1]!);
    this.push({ op: "embed", out, table: this.weight(table) });
    return out;
  }

  linear(x: number, weight: Weight, residual?: number): number {
    const out = this.buffer(weight.shape[0]!, this.buffers[x]!.rows);
    const instruction = { op: "linear", out, x, weight: this.weight(weight) } as const;
    this.push(residual === undefined ? instruction : { ...instruction, residual });
    return out;
  }

  /** Gathers the outputs of a buffer, whose elements become the first logits, bit by bit. */
  readOut(buffer: number): this {
    const { width } = this.buffers[buffer]!;
    const gathered = this.buffer(width, "outputs");
    this.push({ op: "gatherOutputs", out: gathered, x: buffer });
    const { vocabSize } = this.shape;
    return this.logits(
      width === vocabSize ? gathered : this.linear(gathered, readOutWeight(vocabSize, width)),
    );
  }

  logits(buffer: number): this {
    this.#logits = buffer;
    return this;
  }

  /** The program; its tensors are the caller's. */
  on(device: Device): Program {
    const tensors = this.weights.map(({ dtype, shape, data }) => device.tensor(dtype, shape, data));
    const { buffers, ropes, instructions } = this;
    return { ...this.shape, buffers, tensors, ropes, instructions, logits: this.#logits };
  }

  /** The program, with the tensors packed that are marked so; they are the caller's. */
  async packedOn(device: Device): Promise<Program> {
    const program = this.on(device);
    const tensors = await Promise.all(
      program.tensors.map(async (tensor, i) => {
        const { pack } = this.weights[i]!;
        if (pack === undefined) return tensor;
        using weight = tensor;
        return await device.pack(weight, pack);
      }),
    );
    return { ...program, tensors };
  }

  async compilePackedOn(device: Device): Promise<Executable> {
    const program = await this.packedOn(device);
    const executable = device.compile(program);
    for (const tensor of program.tensors) tensor.dispose();
    return executable;
  }

  /** The program compiled. A program keeps its tensors, so they are disposed here. */
  compileOn(device: Device): Executable {
    const program = this.on(device);
    const executable = device.compile(program);
    for (const tensor of program.tensors) tensor.dispose();
    return executable;
  }
}
