import type { Instruction, Program } from "../program.ts";

/** A program as typed arrays, in the layout that `native/program.cpp` reads. */
export type FlatProgram = {
  /** kvLayers, kvHeads, headDim, vocabSize, logits. */
  readonly shape: Int32Array;
  /** [buffers, 2]: width, and 1 where the rows are the outputs. */
  readonly buffers: Int32Array;
  readonly frequencies: readonly Float64Array[];
  /** [ropes, 2]: interleaved, dynamic maxPositions. */
  readonly ropeIntegers: Int32Array;
  /** [ropes, 3]: scale, dynamic base (0: not dynamic) and factor. */
  readonly ropeNumbers: Float64Array;
  /** [instructions, 9]: op, out, a, b, c, i0 to i3 of `kvs_instruction`. */
  readonly instructions: Int32Array;
  /** [instructions]: f0. */
  readonly numbers: Float32Array;
  readonly kvLayerLists: Int32Array;
};

/** Flattens a program that has been validated. */
export function flattenProgram(program: Program): FlatProgram {
  const lists: number[] = [];
  const records = program.instructions.map((instruction) => recordOf(instruction, lists));
  return {
    shape: Int32Array.of(
      program.kvLayers,
      program.kvHeads,
      program.headDim,
      program.vocabSize,
      program.logits,
    ),
    buffers: Int32Array.from(
      program.buffers.flatMap(({ width, rows }) => [width, rows === "outputs" ? 1 : 0]),
    ),
    frequencies: program.ropes.map((rope) => rope.inverseFrequencies),
    ropeIntegers: Int32Array.from(
      program.ropes.flatMap(({ interleaved, dynamic }) => [interleaved ? 1 : 0, dynamic?.maxPositions ?? 0]),
    ),
    ropeNumbers: Float64Array.from(
      program.ropes.flatMap(({ scale, dynamic }) => [scale, dynamic?.base ?? 0, dynamic?.factor ?? 0]),
    ),
    instructions: Int32Array.from(records.flatMap(({ op, out, a, b, c, i }) => [op, out, a, b, c, ...i])),
    numbers: Float32Array.from(records, ({ f0 }) => f0),
    kvLayerLists: Int32Array.from(lists),
  };
}

type Integers = readonly [number, number, number, number];
type InstructionRecord = {
  readonly op: number;
  readonly out: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly i: Integers;
  readonly f0: number;
};

const none = -1;

/** The table above `kvs_instruction` in kvasir/program.h, row by row. */
function recordOf(instruction: Instruction, lists: number[]): InstructionRecord {
  switch (instruction.op) {
    case "embed":
      return record(0, { out: instruction.out, c: instruction.table });
    case "rmsNorm": {
      const { out, x, weight, eps } = instruction;
      return record(1, { out, a: x, c: weight, f0: eps });
    }
    case "linear": {
      const { out, x, weight, bias = none, residual = none } = instruction;
      return record(2, { out, a: x, b: residual, c: weight, i: [bias, none, none, none] });
    }
    case "rope": {
      const { out, x, rope } = instruction;
      return record(3, { out, a: x, i: [rope, none, none, none] });
    }
    case "writeKv": {
      const { kvLayer, k, v, rope = none } = instruction;
      return record(4, { a: k, b: v, i: [kvLayer, rope, none, none] });
    }
    case "attend": {
      const { out, q, kvLayer, scale, strict, window, rope } = instruction;
      return record(5, { out, a: q, i: [kvLayer, strict ? 1 : 0, window, rope], f0: scale });
    }
    case "swiglu":
      return record(6, { out: instruction.out, a: instruction.gate, b: instruction.up });
    case "add":
      return record(7, { out: instruction.out, a: instruction.a, b: instruction.b });
    case "gatherOutputs":
      return record(8, { out: instruction.out, a: instruction.x });
    case "iterate": {
      const { body, passes, tolerance, kvLayers } = instruction;
      const first = lists.length;
      for (const kvLayer of kvLayers) lists.push(kvLayer);
      return record(9, { i: [body, passes, first, kvLayers.length], f0: tolerance });
    }
    case "gated": {
      const { out, x, gate, up } = instruction;
      return record(10, { out, a: x, c: gate, i: [up, none, none, none] });
    }
  }
}

function record(op: number, operands: Partial<InstructionRecord>): InstructionRecord {
  return { op, out: none, a: none, b: none, c: none, i: [none, none, none, none], f0: 0, ...operands };
}
