import type { Instruction, Program } from "../program.ts";
import type { Step, StepResult } from "../step.ts";
import { HeadAttention } from "./attention.ts";
import { type RunningSequence, runningSequences } from "./kv-table.ts";
import { NewSlots } from "./new-slots.ts";
import { add, embed, gated, gatherOutputs, linear, rmsNorm, swiglu } from "./operations.ts";
import type { InterpreterPageMemory } from "./page-memory.ts";
import { productOf } from "./product.ts";
import { type Turn, turnAt, turnHead } from "./rotation.ts";
import type { Rows } from "./rows.ts";
import { stepResult } from "./step-result.ts";
import type { Weights } from "./weights.ts";
import type { Work } from "./work-queue.ts";

type Op<Name extends Instruction["op"]> = Extract<Instruction, { op: Name }>;

/** One run of a program over one step, whose arguments have been checked. */
export class StepRun {
  readonly #program: Program;
  readonly #weights: readonly Weights[];
  readonly #memory: InterpreterPageMemory;
  readonly #step: Step;
  readonly #sequences: readonly RunningSequence[];
  readonly #buffers: readonly Float64Array[];
  readonly #slots: NewSlots;

  constructor(program: Program, weights: readonly Weights[], memory: InterpreterPageMemory, step: Step) {
    this.#program = program;
    this.#weights = weights;
    this.#memory = memory;
    this.#step = step;
    this.#sequences = runningSequences(memory.spec.pageTokens, step.sequences);
    this.#buffers = program.buffers.map(({ width, rows }) => new Float64Array(width * step[rows].length));
    this.#slots = new NewSlots(program, memory);
  }

  *run(): Work<StepResult> {
    const { instructions, logits } = this.#program;
    const all = { from: 0, to: this.#step.tokens.length };
    for (let i = 0; i < instructions.length; i++) {
      const instruction = instructions[i]!;
      if (instruction.op === "iterate") {
        const body = instructions.slice(i + 1, i + 1 + instruction.body);
        yield* this.#iterate(instruction, body as Exclude<Instruction, Op<"iterate">>[], all);
        i += instruction.body;
      } else {
        yield* this.#execute(instruction, all);
      }
    }
    return yield* stepResult(this.#step, new Float32Array(this.#buffers[logits]!), this.#program.vocabSize);
  }

  *#iterate(
    instruction: Op<"iterate">,
    body: readonly Exclude<Instruction, Op<"iterate">>[],
    all: Rows,
  ): Work {
    const { passes, tolerance, kvLayers } = instruction;
    for (const sequence of this.#sequences) this.#slots.clear(sequence, kvLayers);
    const before = this.#sequences.map((sequence) => this.#slots.read(sequence, kvLayers));
    for (const inner of body) yield* this.#execute(inner, all);
    for (const [i, sequence] of this.#sequences.entries()) {
      let last = before[i]!;
      for (let pass = 1; pass < Math.min(passes, sequence.to - sequence.from); pass++) {
        const now = this.#slots.read(sequence, kvLayers);
        if (tolerance > 0 && largestChange(last, now) <= tolerance) break;
        last = now;
        for (const inner of body) yield* this.#execute(inner, sequence);
      }
    }
  }

  *#execute(instruction: Exclude<Instruction, Op<"iterate">>, rows: Rows): Work {
    switch (instruction.op) {
      case "embed": {
        const { out, table } = instruction;
        const { tokens } = this.#step;
        yield* embed(this.#buffer(out), this.#weights[table]!, tokens, this.#width(out), rows);
        break;
      }
      case "rmsNorm": {
        const { out, x, eps } = instruction;
        const weight = yield* this.#weights[instruction.weight]!.decoded();
        rmsNorm(this.#buffer(out), this.#buffer(x), weight, eps, this.#width(x), this.#rowsOf(x, rows));
        break;
      }
      case "linear":
        yield* this.#linear(instruction, rows);
        break;
      case "gated":
        yield* this.#gated(instruction, rows);
        break;
      case "rope":
        yield* this.#rope(instruction, rows);
        break;
      case "writeKv":
        yield* this.#writeKv(instruction, rows);
        break;
      case "attend":
        yield* this.#attend(instruction, rows);
        break;
      case "swiglu": {
        const { out, gate, up } = instruction;
        const [g, u] = [this.#buffer(gate), this.#buffer(up)];
        swiglu(this.#buffer(out), g, u, this.#width(out), this.#rowsOf(out, rows));
        break;
      }
      case "add": {
        const { out, a, b } = instruction;
        const [left, right] = [this.#buffer(a), this.#buffer(b)];
        add(this.#buffer(out), left, right, this.#width(out), this.#rowsOf(out, rows));
        break;
      }
      case "gatherOutputs": {
        const { out, x } = instruction;
        gatherOutputs(this.#buffer(out), this.#buffer(x), this.#step.outputs, this.#width(x));
        break;
      }
    }
    yield;
  }

  *#linear({ out, x, weight, bias, residual }: Op<"linear">, rows: Rows): Work {
    const [inputs, own] = [this.#width(x), this.#rowsOf(out, rows)];
    yield* linear(
      this.#buffer(out),
      yield* productOf(this.#weights[weight]!, this.#buffer(x), inputs, own),
      bias === undefined ? undefined : yield* this.#weights[bias]!.decoded(),
      residual === undefined ? undefined : this.#buffer(residual),
      inputs,
      this.#width(out),
      own,
    );
  }

  *#gated({ out, x, gate, up }: Op<"gated">, rows: Rows): Work {
    const [inputs, own] = [this.#width(x), this.#rowsOf(out, rows)];
    yield* gated(
      this.#buffer(out),
      yield* productOf(this.#weights[gate]!, this.#buffer(x), inputs, own),
      yield* productOf(this.#weights[up]!, this.#buffer(x), inputs, own),
      inputs,
      this.#width(out),
      own,
    );
  }

  *#rope({ out, x, rope }: Op<"rope">, rows: Rows): Work {
    yield* this.#turn(this.#buffer(out), this.#buffer(x), this.#width(x), rope, rows);
  }

  /** Turns every head of the rows of `x` [rows, width]. */
  *#turn(out: Float64Array, x: Float64Array, width: number, index: number, rows: Rows): Work {
    const { headDim, ropes } = this.#program;
    const rope = ropes[index]!;
    for (const { sequence, row } of this.#rowsBySequence(rows)) {
      const turn: Turn = turnAt(rope, sequence.position + row - sequence.from, rope.scale);
      for (let at = row * width; at < (row + 1) * width; at += headDim) {
        turnHead(out, at, x, at, headDim, rope, turn);
      }
      yield;
    }
  }

  *#writeKv({ kvLayer, k, v, rope }: Op<"writeKv">, rows: Rows): Work {
    let keys = this.#buffer(k);
    if (rope !== undefined) {
      const turned = new Float64Array(keys.length);
      yield* this.#turn(turned, keys, this.#width(k), rope, rows);
      keys = turned;
    }
    for (const { sequence, row } of this.#rowsBySequence(rows)) {
      this.#slots.write(sequence, row, kvLayer, keys, this.#buffer(v));
      yield;
    }
  }

  *#attend(instruction: Op<"attend">, rows: Rows): Work {
    const { kvHeads, headDim, ropes } = this.#program;
    const [out, q] = [this.#buffer(instruction.out), this.#buffer(instruction.q)];
    const width = this.#width(instruction.q);
    const heads = width / headDim;
    for (const sequence of this.#sequencesIn(rows)) {
      for (let head = 0; head < heads; head++) {
        const kvHead = Math.floor((head * kvHeads) / heads);
        const table = sequence.tables[instruction.kvLayer * kvHeads + kvHead]!;
        const forward = sequence.position - table.resident;
        const rope = ropes[instruction.rope]!;
        const attention = new HeadAttention(instruction, rope, this.#memory, table, sequence.sinks, forward);
        for (let row = sequence.from; row < sequence.to; row++) {
          const i = row - sequence.from;
          const at = row * width + head * headDim;
          attention.attend(out, { q, at, position: sequence.position + i, slot: table.resident + i });
          yield;
        }
      }
    }
  }

  #buffer(index: number): Float64Array {
    return this.#buffers[index]!;
  }

  #width(buffer: number): number {
    return this.#program.buffers[buffer]!.width;
  }

  /** Of a buffer that may hold outputs, which are never cut into sequences. */
  #rowsOf(buffer: number, rows: Rows): Rows {
    return this.#program.buffers[buffer]!.rows === "tokens"
      ? rows
      : { from: 0, to: this.#step.outputs.length };
  }

  /** `rows` are all of the step, or those of one sequence. */
  #sequencesIn(rows: Rows): RunningSequence[] {
    return this.#sequences.filter(({ from, to }) => from >= rows.from && to <= rows.to);
  }

  *#rowsBySequence(rows: Rows): Iterable<{ sequence: RunningSequence; row: number }> {
    for (const sequence of this.#sequencesIn(rows)) {
      for (let row = sequence.from; row < sequence.to; row++) yield { sequence, row };
    }
  }
}

function largestChange(before: Float32Array, after: Float32Array): number {
  return before.reduce((largest, value, i) => Math.max(largest, Math.abs(after[i]! - value)), 0);
}
