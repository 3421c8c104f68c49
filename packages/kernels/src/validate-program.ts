import { checkBoolean, checkInteger, checkNumber, invalidArgument, maxInt32 } from "./check-argument.ts";
import type { Program, Rope } from "./program.ts";
import { validateInstructions } from "./validate-instructions.ts";
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
  validateInstructions(program);
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
