import type { Instruction, Program } from "../program.ts";
import type { Step, StepResult } from "../step.ts";
import { HeadAttention } from "./attention.ts";
import { AttentionCollector } from "./attention-collector.ts";
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
    for (const sequence of this.#sequences) {
      this.#slots.forgetAttention(sequence);
      sequence.queries?.start(sequence.position, sequence.to - sequence.from);
      yield;
    }
    const { instructions, logits } = this.#program;
    const all = { from: 0, to: this.#step.tokens.length };
    for (let i = 0; i < instructions.length; i++) {
      const instruction = instructions[i]!;
      if (instruction.op === "iterate") {
        const body = Array.from({ length: instruction.body }, (_, j) => i + 1 + j);
        yield* this.#iterate(instruction, body, all);
        i += instruction.body;
      } else {
        yield* this.#execute(i, all, (sequence) => sequence.collect !== undefined);
      }
    }
    return yield* stepResult(this.#step, new Float32Array(this.#buffers[logits]!), this.#program.vocabSize);
  }

  /** `body`: the indices of its instructions. */
  *#iterate({ passes, tolerance, kvLayers }: Op<"iterate">, body: readonly number[], all: Rows): Work {
    const passesOf = ({ from, to }: Rows) => Math.min(passes, to - from);
    const collects = (sequence: RunningSequence, pass: number) =>
      sequence.collect !== undefined && pass === passesOf(sequence) - 1;
    for (const sequence of this.#sequences) this.#slots.clear(sequence, kvLayers);
    const before = this.#sequences.map((sequence) => this.#slots.read(sequence, kvLayers));
    for (const inner of body) yield* this.#execute(inner, all, (sequence) => collects(sequence, 0));
    for (const [i, sequence] of this.#sequences.entries()) {
      let last = before[i]!;
      for (let pass = 1; pass < passesOf(sequence); pass++) {
        const now = this.#slots.read(sequence, kvLayers);
        const mayEnd = tolerance > 0 && sequence.collect === undefined;
        if (mayEnd && largestChange(last, now) <= tolerance) break;
        last = now;
        for (const inner of body) yield* this.#execute(inner, sequence, () => collects(sequence, pass));
      }
    }
  }

  /** The instruction at an index. `collects`: of which sequences it adds up the attention. */
  *#execute(index: number, rows: Rows, collects: (sequence: RunningSequence) => boolean): Work {
    const instruction = this.#program.instructions[index]!;
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
        yield* this.#attend(index, instruction, rows, collects);
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

  *#attend(
    index: number,
    instruction: Op<"attend">,
    rows: Rows,
    collects: (sequence: RunningSequence) => boolean,
  ): Work {
    const { kvHeads, headDim, ropes } = this.#program;
    const { kvLayer, rope } = instruction;
    const [out, q] = [this.#buffer(instruction.out), this.#buffer(instruction.q)];
    const width = this.#width(instruction.q);
    const group = width / headDim / kvHeads;
    for (const sequence of this.#sequencesIn(rows)) {
      for (let kvHead = 0; kvHead < kvHeads; kvHead++) {
        const table = sequence.tables[kvLayer * kvHeads + kvHead]!;
        const forward = sequence.position - table.resident;
        const { sinks, collect } = sequence;
        const attention = new HeadAttention(instruction, ropes[rope]!, this.#memory, table, sinks, forward);
        const collector =
          collect !== undefined && collects(sequence)
            ? new AttentionCollector(
                collect,
                attention,
                this.#memory,
                table,
                { kvLayer, kvHead },
                this.#layers(kvLayer),
              )
            : undefined;
        for (let row = sequence.from; row < sequence.to; row++) {
          const i = row - sequence.from;
          const queries = Array.from({ length: group }, (_, head) => {
            const at = row * width + (kvHead * group + head) * headDim;
            return { q, at, position: sequence.position + i, slot: table.resident + i };
          });
          for (const query of queries) {
            attention.attend(out, query);
            yield;
          }
          collector?.addRow(queries);
        }
      }
      for (let row = sequence.from; row < sequence.to; row++) {
        const query = q.subarray(row * width, (row + 1) * width);
        sequence.queries?.write(index, sequence.position + row - sequence.from, query);
      }
    }
  }

  /** How many layers attend to a KV layer. */
  #layers(kvLayer: number): number {
    return this.#program.instructions.filter(
      (instruction) => instruction.op === "attend" && instruction.kvLayer === kvLayer,
    ).length;
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
