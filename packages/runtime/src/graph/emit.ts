import type { Instruction, Program, Rope, Tensor } from "@kvasir/kernels";
import { flatten, type Graph, type Node, type Value } from "./graph.ts";
import type { BufferPlan } from "./plan-buffers.ts";

/** Writes a graph down as a program: values become buffers, tensors and ropes become indices. */
export function emit(graph: Graph, plan: BufferPlan): Program {
  const tensors = new Table<Tensor>();
  const ropes = new Table<Rope>();
  const at = (value: Value) => plan.of.get(value)!;
  const instruction = (node: Node): Instruction => {
    switch (node.op) {
      case "embed":
        return { op: node.op, out: at(node.out), table: tensors.indexOf(node.table) };
      case "rmsNorm":
        return {
          op: node.op,
          out: at(node.out),
          x: at(node.x),
          weight: tensors.indexOf(node.weight),
          eps: node.eps,
        };
      case "linear":
        return {
          op: node.op,
          out: at(node.out),
          x: at(node.x),
          weight: tensors.indexOf(node.weight),
          ...(node.bias && { bias: tensors.indexOf(node.bias) }),
          ...(node.residual && { residual: at(node.residual) }),
        };
      case "rope":
        return { op: node.op, out: at(node.out), x: at(node.x), rope: ropes.indexOf(node.rope) };
      case "writeKv":
        return {
          op: node.op,
          kvLayer: node.kvLayer,
          k: at(node.k),
          v: at(node.v),
          ...(node.rope && { rope: ropes.indexOf(node.rope) }),
        };
      case "attend":
        return { ...node, out: at(node.out), q: at(node.q), rope: ropes.indexOf(node.rope) };
      case "swiglu":
        return { op: node.op, out: at(node.out), gate: at(node.gate), up: at(node.up) };
      case "gated":
        return {
          op: node.op,
          out: at(node.out),
          x: at(node.x),
          gate: tensors.indexOf(node.gate),
          up: tensors.indexOf(node.up),
        };
      case "add":
        return { op: node.op, out: at(node.out), a: at(node.a), b: at(node.b) };
      case "gatherOutputs":
        return { op: node.op, out: at(node.out), x: at(node.x) };
      case "iterate":
        return { ...node, body: flatten(node.body).length };
    }
  };
  const instructions = flatten(graph.nodes).map(instruction);
  return {
    ...graph.shape,
    buffers: plan.buffers,
    tensors: tensors.entries,
    ropes: ropes.entries,
    instructions,
    logits: at(graph.result),
  };
}

/** Numbers things in the order they are first met. */
class Table<T> {
  readonly entries: T[] = [];
  readonly #indices = new Map<T, number>();

  indexOf(entry: T): number {
    const known = this.#indices.get(entry);
    if (known !== undefined) return known;
    const index = this.entries.push(entry) - 1;
    this.#indices.set(entry, index);
    return index;
  }
}
