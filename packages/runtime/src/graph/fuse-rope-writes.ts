import { fuseOperations } from "./fuse-operations.ts";
import type { Graph } from "./graph.ts";

/** Lets a `writeKv` turn the keys itself where nothing else reads the turned ones. */
export function fuseRopeWrites(graph: Graph): Graph {
  return fuseOperations(graph, (node, makerOf) => {
    if (node.op !== "writeKv" || node.rope) return undefined;
    const turn = makerOf(node.k);
    if (turn?.op !== "rope") return undefined;
    return { node: { ...node, k: turn.x, rope: turn.rope }, absorbed: [turn] };
  });
}
