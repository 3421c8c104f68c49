import { flatten, type Graph, inputsOf, type Node, outputOf, type Value } from "./graph.ts";

/** What an operation becomes, and the operations before it that are part of that. */
export type Fusion = { readonly node: Node; readonly absorbed: readonly Node[] };

/**
 * Replaces operations by fused ones. `fuse` sees each in turn, and may look up what made a value that only
 * one operation reads, if that stands in the same block; undefined leaves the operation as it is.
 */
export function fuseOperations(
  graph: Graph,
  fuse: (node: Node, makerOf: (value: Value) => Node | undefined) => Fusion | undefined,
): Graph {
  const readers = countReaders(graph);
  const fuseBlock = (block: readonly Node[]): Node[] => {
    const makers = new Map<Value, Node>();
    const absorbed = new Set<Node>();
    const nodes = block.map((node): Node => {
      if (node.op === "iterate") return { ...node, body: fuseBlock(node.body) };
      const fusion = fuse(node, (value) => makers.get(value));
      for (const one of fusion?.absorbed ?? []) absorbed.add(one);
      const result = fusion?.node ?? node;
      const out = outputOf(result);
      if (out && readers.get(out) === 1) makers.set(out, result);
      return result;
    });
    return nodes.filter((node) => !absorbed.has(node));
  };
  return { ...graph, nodes: fuseBlock(graph.nodes) };
}

/** How often each value is read, the graph's result once more. */
function countReaders(graph: Graph): ReadonlyMap<Value, number> {
  const readers = new Map<Value, number>([[graph.result, 1]]);
  for (const value of flatten(graph.nodes).flatMap(inputsOf)) {
    readers.set(value, (readers.get(value) ?? 0) + 1);
  }
  return readers;
}
