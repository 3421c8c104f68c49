import type { AttentionRead, QueryWindow } from "./attention-read.ts";
import {
  checkElements,
  checkInt32Array,
  checkInteger,
  checkNumber,
  checkObject,
  checkOneOf,
  invalidArgument,
  maxInt32,
} from "./check-argument.ts";
import type { Executable, PageMemorySpec } from "./device.ts";
import type { Program } from "./program.ts";
import { OwnedQueryWindow } from "./query-window.ts";
import type { AttentionCollection, StepSequence } from "./step.ts";

const reductions = ["mean", "max", "sum"] as const;
const measures = ["sum", "count", "expected"] as const;
const maxWindow = 512;
const maxFuture = 65536;
const maxSeed = 0xffffffff;

export function validateQueryWindow(window: number): void {
  checkInteger("window", window, 1, maxWindow);
}

/** Checks the query windows and collections of a step's sequences. */
export function validateStepSignals(executable: Executable, sequences: readonly StepSequence[]): void {
  const named = new Map<QueryWindow, number>();
  sequences.forEach(({ queries, collect }, i) => {
    if (collect !== undefined) checkCollection(`sequences[${i}].collect`, collect);
    if (queries === undefined) return;
    checkQueries(`sequences[${i}].queries`, executable, queries);
    const other = named.get(queries);
    if (other !== undefined) {
      invalidArgument(`sequences[${i}].queries is also that of sequences[${other}]; expected one of its own`);
    }
    named.set(queries, i);
  });
}

/** Checks everything that reads name against the program and the pages that they run on. */
export function validateReads(
  executable: Executable,
  memory: PageMemorySpec,
  reads: readonly AttentionRead[],
): void {
  checkPagesFit(executable.program, memory);
  reads.forEach((read, i) => {
    checkRead(`reads[${i}]`, executable, memory, read);
  });
}

/** Pages hold keys of the program's size. */
export function checkPagesFit(program: Program, memory: PageMemorySpec): void {
  if (memory.headDim !== program.headDim) {
    invalidArgument(
      `the pages hold heads of ${memory.headDim} elements; the program's headDim is ${program.headDim}`,
    );
  }
}

export function checkSinks(name: string, program: Program, sinks: number): void {
  checkInteger(name, sinks, 0, maxInt32);
  if (sinks > 0 && hasDynamicAttention(program)) {
    invalidArgument(`${name} is ${sinks}; expected 0, as keys of a dynamic rope cannot be turned again`);
  }
}

function checkRead(name: string, executable: Executable, memory: PageMemorySpec, read: AttentionRead): void {
  checkObject(name, read);
  const { program } = executable;
  checkQueries(`${name}.queries`, executable, read.queries);
  checkInteger(`${name}.kvLayer`, read.kvLayer, 0, program.kvLayers - 1);
  checkInteger(`${name}.kvHead`, read.kvHead, 0, program.kvHeads - 1);
  checkInt32Array(`${name}.pages`, read.pages);
  checkElements(`${name}.pages`, read.pages, 0, memory.pages - 1);
  checkInteger(`${name}.slots`, read.slots, 0, Math.min(read.pages.length * memory.pageTokens, maxInt32));
  checkInteger(`${name}.future`, read.future, 1, maxFuture);
  checkInteger(`${name}.position`, read.position, read.slots, maxInt32 - read.future);
  checkSinks(`${name}.sinks`, program, read.sinks);
  checkOneOf(`${name}.measure`, read.measure, measures);
  checkInteger(`${name}.window`, read.window, 1, read.queries.window);
  checkOneOf(`${name}.reduce`, read.reduce, reductions);
  checkNumber(`${name}.threshold`, read.threshold, "a finite number above 0", aboveZero);
}

function checkCollection(name: string, collect: AttentionCollection): void {
  checkObject(name, collect);
  checkOneOf(`${name}.reduce`, collect.reduce, reductions);
  const bounded = (x: number) => x >= 1e-6 && x <= 1e6;
  checkNumber(`${name}.temperature`, collect.temperature, "a number from 1e-6 to 1e6", bounded);
  if (collect.noiseSeed !== undefined) checkInteger(`${name}.noiseSeed`, collect.noiseSeed, 0, maxSeed);
}

function checkQueries(name: string, executable: Executable, queries: QueryWindow): void {
  if (!(queries instanceof OwnedQueryWindow) || queries.executable !== executable) {
    invalidArgument(`${name} is not a query window of this executable`);
  }
  queries.checkAlive();
}

/** It crosses the C ABI as f32. */
function aboveZero(x: number): boolean {
  return Math.fround(x) > 0 && Number.isFinite(Math.fround(x));
}

function hasDynamicAttention(program: Program): boolean {
  return program.instructions.some(
    (instruction) => instruction.op === "attend" && program.ropes[instruction.rope]?.dynamic !== undefined,
  );
}
