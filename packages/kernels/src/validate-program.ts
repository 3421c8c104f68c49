import { checkBoolean, checkInteger, checkNumber, invalidArgument, maxInt32 } from "./check-argument.ts";
import type { Instruction, Program, Rope } from "./program.ts";
import { checkHeadDim } from "./validate-memory.ts";

/**
 * Checks every index and shape of a program, and that nothing is read before it was written.
 * Whose the tensors are, a device checks itself.
 * Throws `KernelError` (`invalid-argument`) with the instruction, the field, its value and what was expected.
 */
export function validateProgram(program: Program): void {
  checkInteger("kvLayers", program.kvLayers, 1, 65536);
  checkInteger("kvHeads", program.kvHeads, 1, 65536);
  checkHeadDim(program.headDim);
  checkInteger("vocabSize", program.vocabSize, 1, maxInt32);
  program.buffers.forEach(({ width, rows }, i) => {
    checkInteger(`buffers[${i}].width`, width, 1, maxInt32);
    if (rows !== "tokens" && rows !== "outputs") {
      invalidArgument(`buffers[${i}].rows is ${String(rows)}; expected tokens or outputs`);
    }
  });
  program.ropes.forEach((rope, i) => {
    checkRope(`ropes[${i}]`, rope, program.headDim);
  });
  new InstructionCheck(program).checkAll();
}

function checkRope(name: string, rope: Rope, headDim: number): void {
  const { inverseFrequencies, scale, dynamic } = rope;
  if (!(inverseFrequencies instanceof Float64Array)) {
    invalidArgument(`${name}.inverseFrequencies must be a Float64Array`);
  }
  checkInteger(`${name}.inverseFrequencies.length`, inverseFrequencies.length, 1, headDim / 2);
  inverseFrequencies.forEach((frequency, i) => {
    checkNumber(`${name}.inverseFrequencies[${i}]`, frequency, "a finite number", Number.isFinite);
  });
  checkNumber(`${name}.scale`, scale, "a finite number", Number.isFinite);
  checkBoolean(`${name}.interleaved`, rope.interleaved);
  if (dynamic === undefined) return;
  // The exponent d / (d - 2) of the formula has no value for a single pair.
  checkInteger(`${name}.inverseFrequencies.length`, inverseFrequencies.length, 2, headDim / 2);
  const positive = (x: number) => x > 0 && Number.isFinite(x);
  checkNumber(`${name}.dynamic.base`, dynamic.base, "a finite number above 0", positive);
  checkNumber(
    `${name}.dynamic.factor`,
    dynamic.factor,
    "a finite number, at least 1",
    (x) => x >= 1 && positive(x),
  );
  checkInteger(`${name}.dynamic.maxPositions`, dynamic.maxPositions, 1, maxInt32);
}

type Rows = "tokens" | "outputs";
type Iterate = Extract<Instruction, { op: "iterate" }>;

/** Walks the instructions in order and remembers what has been written so far. */
class InstructionCheck {
  readonly #program: Program;
  readonly #writtenBuffers = new Set<number>();
  readonly #writtenKvLayers = new Set<number>();
  /** The iterate whose body is being read, and what the body has done so far. */
  #iterate: { until: number; read: Set<number>; written: Set<number> } | undefined;
  /** How messages call the instruction at hand. */
  #name = "";

  constructor(program: Program) {
    this.#program = program;
  }

  checkAll(): void {
    const { instructions, buffers, logits, vocabSize } = this.#program;
    instructions.forEach((instruction, i) => {
      this.#name = `instruction ${i} (${String(instruction.op)})`;
      if (this.#iterate?.until === i) this.#iterate = undefined;
      this.#check(instruction, i);
    });
    checkInteger("logits", logits, 0, buffers.length - 1);
    const { rows, width } = buffers[logits]!;
    if (rows !== "outputs" || width !== vocabSize) {
      invalidArgument(`logits is buffer ${logits} [${rows}, ${width}]; expected [outputs, ${vocabSize}]`);
    }
    if (!this.#writtenBuffers.has(logits))
      invalidArgument(`logits is buffer ${logits}, which is never written`);
  }

  #check(instruction: Instruction, index: number): void {
    switch (instruction.op) {
      case "embed": {
        const width = this.#width("out", instruction.out, "tokens");
        this.#tensor("table", instruction.table, [this.#program.vocabSize, width]);
        this.#write(instruction.out);
        break;
      }
      case "rmsNorm": {
        const width = this.#read("x", instruction.x);
        this.#tensorIndex("weight", instruction.weight);
        const shape = this.#program.tensors[instruction.weight]!.shape;
        if (shape.length !== 1 || width % shape[0]! !== 0) {
          this.#fail("weight", `is [${String(shape)}]`, `one dimension that divides ${width}`);
        }
        checkNumber(
          `${this.#name}: eps`,
          instruction.eps,
          "a finite number, at least 0",
          (x) => x >= 0 && x < Infinity,
        );
        this.#writeLike(instruction.out, instruction.x);
        break;
      }
      case "linear":
        this.#linear(instruction);
        break;
      case "rope":
        this.#heads("x", this.#read("x", instruction.x, "tokens"));
        this.#index("rope", instruction.rope, this.#program.ropes.length);
        this.#writeLike(instruction.out, instruction.x);
        break;
      case "writeKv":
        this.#index("kvLayer", instruction.kvLayer, this.#program.kvLayers);
        this.#keyWidth("k", this.#read("k", instruction.k, "tokens"));
        this.#keyWidth("v", this.#read("v", instruction.v, "tokens"));
        this.#writtenKvLayers.add(instruction.kvLayer);
        break;
      case "attend":
        this.#attend(instruction);
        break;
      case "swiglu":
        this.#sameAs("up", instruction.up, instruction.gate, this.#read("gate", instruction.gate));
        this.#writeLike(instruction.out, instruction.gate);
        break;
      case "add":
        this.#sameAs("b", instruction.b, instruction.a, this.#read("a", instruction.a));
        this.#writeLike(instruction.out, instruction.a);
        break;
      case "gatherOutputs": {
        const width = this.#read("x", instruction.x, "tokens");
        this.#shape("out", instruction.out, "outputs", width);
        this.#write(instruction.out);
        break;
      }
      case "iterate":
        this.#openIterate(instruction, index);
        break;
      default:
        invalidArgument(`${this.#name}: there is no such op`);
    }
  }

  #linear({ out, x, weight, bias, residual }: Extract<Instruction, { op: "linear" }>): void {
    const inWidth = this.#read("x", x);
    const { rows } = this.#program.buffers[x]!;
    const outWidth = this.#width("out", out, rows);
    if (out === x) this.#fail("out", `is ${out}`, "another buffer than x");
    this.#tensor("weight", weight, [outWidth, inWidth]);
    if (bias !== undefined) this.#tensor("bias", bias, [outWidth]);
    if (residual !== undefined) {
      this.#read("residual", residual);
      this.#shape("residual", residual, rows, outWidth);
    }
    this.#write(out);
  }

  #attend({ out, q, kvLayer, scale, strict, window, rope }: Extract<Instruction, { op: "attend" }>): void {
    const heads = this.#heads("q", this.#read("q", q, "tokens"));
    if (heads % this.#program.kvHeads !== 0) {
      this.#fail("q", `has ${heads} heads`, `a multiple of kvHeads (${this.#program.kvHeads})`);
    }
    this.#index("kvLayer", kvLayer, this.#program.kvLayers);
    if (!this.#writtenKvLayers.has(kvLayer)) {
      this.#fail(
        "kvLayer",
        `is ${kvLayer}`,
        "one that was written before, or that an iterate around it lists",
      );
    }
    checkNumber(`${this.#name}: scale`, scale, "a finite number", (x) => Number.isFinite(Math.fround(x)));
    checkBoolean(`${this.#name}: strict`, strict);
    checkInteger(`${this.#name}: window`, window, 0, maxInt32);
    this.#index("rope", rope, this.#program.ropes.length);
    if (out === q) this.#fail("out", `is ${out}`, "another buffer than q");
    this.#writeLike(out, q);
  }

  #openIterate({ body, passes, tolerance, kvLayers }: Iterate, index: number): void {
    if (this.#iterate !== undefined) this.#fail("op", "is inside another iterate", "no nesting");
    const { instructions } = this.#program;
    checkInteger(`${this.#name}: body`, body, 1, instructions.length - index - 1);
    checkInteger(`${this.#name}: passes`, passes, 1, maxInt32);
    checkNumber(
      `${this.#name}: tolerance`,
      tolerance,
      "a finite number, at least 0",
      (x) => x >= 0 && x < Infinity,
    );
    const inBody = instructions.slice(index + 1, index + 1 + body);
    for (const [i, kvLayer] of kvLayers.entries()) {
      this.#index(`kvLayers[${i}]`, kvLayer, this.#program.kvLayers);
      if (!inBody.some((instruction) => instruction.op === "writeKv" && instruction.kvLayer === kvLayer)) {
        this.#fail(`kvLayers[${i}]`, `is ${kvLayer}`, "a KV layer that the body writes");
      }
      this.#writtenKvLayers.add(kvLayer);
    }
    this.#iterate = { until: index + 1 + body, read: new Set(), written: new Set() };
  }

  /** Checks that the buffer can be read, and returns its width. */
  #read(field: string, buffer: number, rows?: Rows): number {
    const width = this.#width(field, buffer, rows);
    if (!this.#writtenBuffers.has(buffer))
      this.#fail(field, `is buffer ${buffer}`, "one that was written before");
    if (this.#iterate?.written.has(buffer) === false) this.#iterate.read.add(buffer);
    return width;
  }

  #write(buffer: number): void {
    if (this.#iterate?.read.has(buffer)) {
      this.#fail("out", `is buffer ${buffer}`, "one that the iterate's body does not read from before it");
    }
    this.#iterate?.written.add(buffer);
    this.#writtenBuffers.add(buffer);
  }

  #writeLike(out: number, x: number): void {
    const { rows, width } = this.#program.buffers[x]!;
    this.#shape("out", out, rows, width);
    this.#write(out);
  }

  #sameAs(field: string, buffer: number, other: number, width: number): void {
    this.#read(field, buffer);
    this.#shape(field, buffer, this.#program.buffers[other]!.rows, width);
  }

  #shape(field: string, buffer: number, rows: Rows, width: number): void {
    const found = this.#width(field, buffer, rows);
    if (found !== width) this.#fail(field, `is buffer ${buffer} of width ${found}`, `width ${width}`);
  }

  #width(field: string, buffer: number, rows?: Rows): number {
    this.#index(field, buffer, this.#program.buffers.length);
    const spec = this.#program.buffers[buffer]!;
    if (rows !== undefined && spec.rows !== rows) {
      this.#fail(field, `is buffer ${buffer} with rows ${spec.rows}`, `rows ${rows}`);
    }
    if (this.#iterate !== undefined && spec.rows === "outputs") {
      this.#fail(field, `is buffer ${buffer} with rows outputs`, "rows tokens inside an iterate");
    }
    return spec.width;
  }

  #heads(field: string, width: number): number {
    const { headDim } = this.#program;
    if (width % headDim !== 0) this.#fail(field, `has width ${width}`, `a multiple of headDim (${headDim})`);
    return width / headDim;
  }

  #keyWidth(field: string, width: number): void {
    const { kvHeads, headDim } = this.#program;
    if (width !== kvHeads * headDim)
      this.#fail(field, `has width ${width}`, `kvHeads * headDim (${kvHeads * headDim})`);
  }

  #tensor(field: string, tensor: number, shape: readonly number[]): void {
    this.#tensorIndex(field, tensor);
    const found = this.#program.tensors[tensor]!.shape;
    if (found.length !== shape.length || found.some((size, i) => size !== shape[i])) {
      this.#fail(field, `is tensor ${tensor} [${String(found)}]`, `[${String(shape)}]`);
    }
  }

  #tensorIndex(field: string, tensor: number): void {
    this.#index(field, tensor, this.#program.tensors.length);
  }

  #index(field: string, value: number, count: number): void {
    checkInteger(`${this.#name}: ${field}`, value, 0, count - 1);
  }

  #fail(field: string, found: string, expected: string): never {
    invalidArgument(`${this.#name}: ${field} ${found}; expected ${expected}`);
  }
}
