import {
  checkElements,
  checkInt32Array,
  checkInteger,
  checkLength,
  invalidArgument,
  maxInt32,
} from "./check-argument.ts";
import type { Executable, PageMemorySpec } from "./device.ts";
import { logitsWidth, type Program } from "./program.ts";
import type { Step, StepSequence } from "./step.ts";
import { validateSampling } from "./validate-sampling.ts";
import { checkPagesFit, checkSinks, validateStepSignals } from "./validate-signals.ts";

/**
 * Checks everything that a step names against the executable and the pages it runs on.
 * Throws `KernelError` (`invalid-argument`) with the field, its value and what was expected.
 */
export function validateStep(executable: Executable, memory: PageMemorySpec, step: Step): void {
  const { program } = executable;
  checkPagesFit(program, memory);
  checkInt32Array("tokens", step.tokens);
  checkElements("tokens", step.tokens, 0, program.vocabSize - 1);
  if (step.tokens.length === 0) invalidArgument("tokens is empty; expected at least one");
  checkSequences(program, memory, step);
  validateStepSignals(executable, step.sequences);
  checkOutputs(step);
  if (step.sampling !== undefined) {
    const width = logitsWidth(program);
    if (width !== program.vocabSize) {
      invalidArgument(
        `sampling is given, but the program's logits have width ${width}, not vocabSize ${program.vocabSize}`,
      );
    }
    checkLength("sampling", step.sampling.length, step.outputs.length, "one for each output");
    step.sampling.forEach((sampling, i) => {
      validateSampling(`sampling[${i}]`, sampling, program.vocabSize);
    });
  }
}

function checkSequences(program: Program, memory: PageMemorySpec, step: Step): void {
  const written = new Set<number>();
  let rows = 0;
  step.sequences.forEach((sequence, i) => {
    checkSequence(`sequences[${i}]`, program, memory, sequence, step.tokens.length - rows);
    checkWrittenOnce(`sequences[${i}]`, memory, sequence, written);
    rows += sequence.rows;
  });
  checkLength("tokens", step.tokens.length, rows, "the sum of the sequences' rows");
}

function checkSequence(
  name: string,
  program: Program,
  memory: PageMemorySpec,
  sequence: StepSequence,
  rowsLeft: number,
): void {
  const { rows, position, resident, pages, sinks } = sequence;
  checkInteger(`${name}.rows`, rows, 1, rowsLeft);
  checkInteger(`${name}.position`, position, 0, maxInt32 - rows);
  checkSinks(`${name}.sinks`, program, sinks);
  checkInt32Array(`${name}.resident`, resident);
  const tables = program.kvLayers * program.kvHeads;
  checkLength(`${name}.resident`, resident.length, tables, "kvLayers * kvHeads");
  checkElements(`${name}.resident`, resident, 0, position);
  let pageCount = 0;
  for (const used of resident) pageCount += Math.ceil((used + rows) / memory.pageTokens);
  checkInt32Array(`${name}.pages`, pages);
  checkLength(`${name}.pages`, pages.length, pageCount, "the sum of ceil((resident + rows) / pageTokens)");
  checkElements(`${name}.pages`, pages, 0, memory.pages - 1);
}

/** Two heads that write to one page would overwrite each other's slots, or mix what they collect. */
function checkWrittenOnce(
  name: string,
  { pageTokens }: PageMemorySpec,
  { rows, resident, pages, collect }: StepSequence,
  written: Set<number>,
): void {
  let table = 0;
  for (const used of resident) {
    const end = table + Math.ceil((used + rows) / pageTokens);
    const first = collect === undefined ? Math.floor(used / pageTokens) : 0;
    for (let i = table + first; i < end; i++) {
      const page = pages[i]!;
      if (written.has(page)) {
        invalidArgument(`${name}.pages[${i}] is page ${page}, which is written twice in this step`);
      }
      written.add(page);
    }
    table = end;
  }
}

function checkOutputs({ outputs, tokens }: Step): void {
  checkInt32Array("outputs", outputs);
  checkElements("outputs", outputs, 0, tokens.length - 1);
  for (let i = 1; i < outputs.length; i++) {
    if (outputs[i]! <= outputs[i - 1]!) {
      invalidArgument(`outputs[${i}] is ${outputs[i]} after ${outputs[i - 1]}; expected ascending rows`);
    }
  }
}
