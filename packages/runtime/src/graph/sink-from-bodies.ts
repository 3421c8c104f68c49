import { type Graph, inputsOf, type Node, outputOf, type Value } from "./graph.ts";

/**
 * Moves what no write to the cache inside an iterate needs behind it: it runs once, after the last pass.
 * In LCKV that is all of the source layer but its keys and values.
 */
export function sinkFromBodies(graph: Graph): Graph {
  return { ...graph, nodes: graph.nodes.flatMap((node) => (node.op === "iterate" ? sink(node) : [node])) };
}

function sink(iterate: Extract<Node, { op: "iterate" }>): Node[] {
  const { kvLayers, body } = iterate;
  const unwritten = new Set(kvLayers);
  /** What reads a KV layer before its write sees the pass before, and would see the last one behind the body. */
  const pinned = new Set<Node>();
  for (const node of body) {
    if (node.op === "writeKv") unwritten.delete(node.kvLayer);
    if (node.op === "writeKv" || (node.op === "attend" && unwritten.has(node.kvLayer))) pinned.add(node);
  }
  const needed = new Set<Value>();
  const stays = new Set<Node>();
  for (const node of [...body].reverse()) {
    const out = outputOf(node);
    if (!pinned.has(node) && !(out && needed.has(out))) continue;
    stays.add(node);
    for (const input of inputsOf(node)) needed.add(input);
  }
  const sunk = body.filter((node) => !stays.has(node));
  return [{ ...iterate, body: body.filter((node) => stays.has(node)) }, ...sunk];
}
