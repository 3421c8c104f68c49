import type { Program } from "@kvasir/runtime";

type Instruction = Program["instructions"][number];
type Iterate = Extract<Instruction, { op: "iterate" }>;

/** A program that keeps the keys and values of every pass. */
export type UnrolledPasses = {
  readonly program: Program;
  /** [passes][KV layers of the cyclic group]: the KV layer that holds what a pass wrote. */
  readonly written: readonly (readonly number[])[];
};

/**
 * The program of a model with one cyclic group, with its passes written out one after another: each stores its keys
 * and values in KV layers of its own and reads those of the pass before. One run so gives the cache after every
 * pass, where as many runs of the program itself, with 1, 2, 3, ... passes, would take half as many passes squared.
 * The last pass is read by what comes behind the group.
 *
 * Throws `RangeError` for a program without exactly one group, and for fewer than one pass.
 */
export function unrolledPasses(program: Program, passes: number): UnrolledPasses {
  const { instructions } = program;
  const groups = instructions.filter((one): one is Iterate => one.op === "iterate");
  const [group] = groups;
  if (!group || groups.length > 1) {
    throw new RangeError(`program: expected one cyclic group, received ${groups.length}`);
  }
  if (!(Number.isInteger(passes) && passes >= 1)) {
    throw new RangeError(`passes: expected a whole number from 1, received ${passes}`);
  }
  const at = instructions.indexOf(group);
  const body = instructions.slice(at + 1, at + 1 + group.body);
  const rest = instructions.slice(at + 1 + group.body);
  let kvLayers = program.kvLayers;
  /** Where what a KV layer of the group held last is. */
  const latest = new Map(group.kvLayers.map((kvLayer) => [kvLayer, kvLayer]));
  const redirected = (one: Instruction): Instruction =>
    one.op === "attend" || one.op === "writeKv"
      ? { ...one, kvLayer: latest.get(one.kvLayer) ?? one.kvLayer }
      : one;
  const written = [[...group.kvLayers]];
  // The first pass reads zeros, which only an `iterate` makes.
  const unrolled: Instruction[] = [{ ...group, passes: 1, tolerance: 0 }, ...body];
  while (written.length < passes) {
    const unwritten = new Set(group.kvLayers);
    for (const one of body) {
      if (one.op === "writeKv" && unwritten.delete(one.kvLayer)) latest.set(one.kvLayer, kvLayers++);
      unrolled.push(redirected(one));
    }
    written.push(group.kvLayers.map((kvLayer) => latest.get(kvLayer)!));
  }
  return {
    program: {
      ...program,
      kvLayers,
      instructions: [...instructions.slice(0, at), ...unrolled, ...rest.map(redirected)],
    },
    written,
  };
}

/** The same program with another number of passes. */
export function withPasses(program: Program, passes: number): Program {
  const instructions = program.instructions.map((one) =>
    one.op === "iterate" ? { ...one, passes, tolerance: 0 } : one,
  );
  return { ...program, instructions };
}
