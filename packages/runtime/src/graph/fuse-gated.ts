import { fuseOperations } from "./fuse-operations.ts";
import type { Graph, Node } from "./graph.ts";

/** Makes one operation of a `swiglu` and the two plain products of the same rows that it alone reads. */
export function fuseGated(graph: Graph): Graph {
  return fuseOperations(graph, (node, makerOf) => {
    if (node.op !== "swiglu") return undefined;
    const [gate, up] = [makerOf(node.gate), makerOf(node.up)];
    if (!isPlain(gate) || !isPlain(up)) return undefined;
    if (gate.x !== up.x || gate.weight.dtype !== up.weight.dtype) return undefined;
    const gated = { op: "gated", out: node.out, x: gate.x, gate: gate.weight, up: up.weight } as const;
    return { node: gated, absorbed: [gate, up] };
  });
}

function isPlain(node: Node | undefined): node is Extract<Node, { op: "linear" }> {
  return node?.op === "linear" && !node.bias && !node.residual;
}
