import { fuseOperations } from "./fuse-operations.ts";
import type { Graph, Node } from "./graph.ts";

/** Lets a `linear` whose only reader is an `add` of the same block add the other side itself. */
export function fuseResiduals(graph: Graph): Graph {
  return fuseOperations(graph, (node, makerOf) => {
    if (node.op !== "add") return undefined;
    const [a, b] = [makerOf(node.a), makerOf(node.b)];
    const linear = isPlain(b) ? b : isPlain(a) ? a : undefined;
    if (!linear) return undefined;
    const residual = linear.out === node.b ? node.a : node.b;
    return { node: { ...linear, out: node.out, residual }, absorbed: [linear] };
  });
}

function isPlain(node: Node | undefined): node is Extract<Node, { op: "linear" }> {
  return node?.op === "linear" && !node.residual;
}
