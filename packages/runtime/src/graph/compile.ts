import type { Program } from "@kvasir/kernels";
import { emit } from "./emit.ts";
import { fuseGated } from "./fuse-gated.ts";
import { fuseResiduals } from "./fuse-residuals.ts";
import { fuseRopeWrites } from "./fuse-rope-writes.ts";
import type { Graph } from "./graph.ts";
import { narrowRows } from "./narrow-rows.ts";
import { planBuffers } from "./plan-buffers.ts";
import { sinkFromBodies } from "./sink-from-bodies.ts";

/** Turns a graph into the program that a device runs, with only the work and the buffers that it needs. */
export function compileGraph(graph: Graph): Program {
  const lean = narrowRows(sinkFromBodies(graph));
  const fused = fuseRopeWrites(fuseGated(fuseResiduals(lean)));
  return emit(fused, planBuffers(fused));
}
