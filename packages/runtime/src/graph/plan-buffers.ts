import type { BufferSpec } from "@kvasir/kernels";
import { flatten, type Graph, inputsOf, type Node, outputOf, type Value } from "./graph.ts";

/** Which buffer holds each value. */
export type BufferPlan = { readonly buffers: readonly BufferSpec[]; readonly of: ReadonlyMap<Value, number> };

/**
 * Gives values whose lives do not overlap the same buffer, and lets operations work in place where
 * `Instruction` allows it. A linear scan over the order in which the program runs.
 */
export function planBuffers(graph: Graph): BufferPlan {
  const nodes = flatten(graph.nodes);
  const lastRead = lastReads(nodes, graph.result);
  const buffers: BufferSpec[] = [];
  const of = new Map<Value, number>();
  const live = new Set<Value>();
  const free = new Set<number>();
  for (const [index, node] of nodes.entries()) {
    for (const value of live) {
      if ((lastRead.get(value) ?? -1) >= index) continue;
      live.delete(value);
      free.add(of.get(value)!);
    }
    const out = outputOf(node);
    if (!out) continue;
    const fits = (buffer: number) =>
      buffers[buffer]!.width === out.width && buffers[buffer]!.rows === out.rows;
    const dying = mayOverwrite(node).find((value) => lastRead.get(value) === index && fits(of.get(value)!));
    if (dying) live.delete(dying);
    const buffer = dying ? of.get(dying)! : ([...free].find(fits) ?? buffers.push({ ...out }) - 1);
    free.delete(buffer);
    of.set(out, buffer);
    live.add(out);
  }
  return { buffers, of };
}

/** The position of the last read of each value. What a body reads from before it lives on to the body's end. */
function lastReads(nodes: readonly Node[], result: Value): Map<Value, number> {
  const lastRead = new Map<Value, number>([[result, Number.POSITIVE_INFINITY]]);
  const madeAt = new Map<Value, number>();
  let body = { start: 0, end: -1 };
  for (const [index, node] of nodes.entries()) {
    if (node.op === "iterate") body = { start: index + 1, end: index + flatten(node.body).length };
    for (const value of inputsOf(node)) {
      const fromBefore = index <= body.end && madeAt.get(value)! < body.start;
      // Half a step past the body: no operation of the body may take its place.
      const read = fromBefore ? body.end + 0.5 : index;
      lastRead.set(value, Math.max(read, lastRead.get(value) ?? 0));
    }
    const out = outputOf(node);
    if (out) madeAt.set(out, index);
  }
  return lastRead;
}

/** The inputs whose buffer an operation's result may take. */
function mayOverwrite(node: Node): readonly Value[] {
  if (node.op === "linear") return node.residual && node.residual !== node.x ? [node.residual] : [];
  return node.op === "attend" || node.op === "gated" || node.op === "gatherOutputs" ? [] : inputsOf(node);
}
