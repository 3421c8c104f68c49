import { flatten, type Graph, inputsOf, type Node, type Value } from "./graph.ts";

type Linear = Extract<Node, { op: "linear" }>;

/** Lets a `linear` whose only reader is an `add` of the same block add the other side itself. */
export function fuseResiduals(graph: Graph): Graph {
  const readers = new Map<Value, number>([[graph.logits, 1]]);
  for (const value of flatten(graph.nodes).flatMap(inputsOf))
    readers.set(value, (readers.get(value) ?? 0) + 1);
  return { ...graph, nodes: fuseBlock(graph.nodes, readers) };
}

function fuseBlock(block: readonly Node[], readers: ReadonlyMap<Value, number>): Node[] {
  const linears = new Map<Value, Linear>();
  const fused = new Set<Node>();
  const nodes = block.map((node): Node => {
    if (node.op === "iterate") return { ...node, body: fuseBlock(node.body, readers) };
    if (node.op === "linear" && !node.residual && readers.get(node.out) === 1) linears.set(node.out, node);
    if (node.op !== "add") return node;
    const linear = linears.get(node.b) ?? linears.get(node.a);
    if (!linear) return node;
    fused.add(linear);
    return { ...linear, out: node.out, residual: linear.out === node.b ? node.a : node.b };
  });
  return nodes.filter((node) => !fused.has(node));
}
