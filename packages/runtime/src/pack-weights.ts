import { blockFormat, type Device, isQuantDType, type QuantizeTarget, type Tensor } from "@kvasir/kernels";
import { quoted } from "./checkpoint/safetensors-header.ts";
import { flatten, type Graph, type Node } from "./graph/graph.ts";
import { ModelError } from "./model-error.ts";

/** How far loading is, in bytes of the weights in their files. */
export type LoadProgress = { readonly bytesDone: number; readonly bytesTotal: number };

export type PackOptions = {
  readonly device: Device;
  /** Quantises float matrices to this. */
  readonly weights?: QuantizeTarget | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Ends the work before the next matrix. */
  readonly signal?: AbortSignal | undefined;
  /** What the checkpoint calls a tensor. */
  readonly nameOf: (tensor: Tensor) => string;
};

/**
 * Lays the quantised matrices of a graph out for the device, one after the other: each view of a file goes as
 * soon as its packed copy is there, so there are never two full copies. A table that `embed` reads stays a
 * view, also where the same tensor is a matrix besides. Keeps `owned`, the tensors to be disposed, up to
 * date whatever happens. Throws `ModelError` before anything is packed where `weights` does not fit.
 */
export async function packWeights(graph: Graph, owned: Set<Tensor>, options: PackOptions): Promise<Graph> {
  const { device, weights, onProgress, signal, nameOf } = options;
  const nodes = flatten(graph.nodes);
  const matrices = new Set(nodes.flatMap((node) => (node.op === "linear" ? [node.weight] : [])));
  if (weights) for (const matrix of matrices) checkFit(matrix, weights, nameOf);
  const tables = new Set(nodes.flatMap((node) => (node.op === "embed" ? [node.table] : [])));
  const toPack = [...matrices].filter(({ dtype }) => weights !== undefined || isQuantDType(dtype));
  const total = [...owned].reduce((sum, { bytes }) => sum + bytes, 0);
  let done = total - toPack.reduce((sum, { bytes }) => sum + bytes, 0);
  const packed = new Map<Tensor, Tensor>();
  onProgress?.({ bytesDone: done, bytesTotal: total });
  for (const view of toPack) {
    signal?.throwIfAborted();
    const { bytes } = view;
    const copy = await device.pack(view, weights);
    owned.add(copy);
    packed.set(view, copy);
    if (!tables.has(view)) {
      owned.delete(view);
      view.dispose();
    }
    done += bytes;
    onProgress?.({ bytesDone: done, bytesTotal: total });
  }
  return { ...graph, nodes: withPacked(graph.nodes, packed) };
}

function checkFit(matrix: Tensor, weights: QuantizeTarget, nameOf: (tensor: Tensor) => string): void {
  const { dtype, shape } = matrix;
  const fail = (reason: string) =>
    new ModelError("invalid-option", `weights is ${weights}, but tensor ${quoted(nameOf(matrix))} ${reason}`);
  if (isQuantDType(dtype)) {
    throw fail(`is ${dtype} already: load such a file without this option`);
  }
  const { values } = blockFormat[weights];
  if (shape[1]! % values !== 0) throw fail(`has rows of ${shape[1]}, expected a multiple of ${values}`);
}

function withPacked(nodes: readonly Node[], packed: ReadonlyMap<Tensor, Tensor>): Node[] {
  return nodes.map((node) => {
    if (node.op === "iterate") return { ...node, body: withPacked(node.body, packed) };
    const copy = node.op === "linear" ? packed.get(node.weight) : undefined;
    return copy && node.op === "linear" ? { ...node, weight: copy } : node;
  });
}
