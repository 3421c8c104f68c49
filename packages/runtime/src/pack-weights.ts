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
  /** Ends the work once the matrices under way are done. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of matrices that may be under way at once; two matrices may in any case. Default: 64 MiB. */
  readonly bytesAhead?: number;
  /** What the checkpoint calls a tensor. */
  readonly nameOf: (tensor: Tensor) => string;
};

/**
 * Lays the quantised matrices of a graph out for the device, in order: each view of a file goes as soon as its
 * packed copy is there, so there are never two full copies. A table that `embed` reads stays a
 * view, also where the same tensor is a matrix besides. Keeps `owned`, the tensors to be disposed, up to
 * date whatever happens. Throws `ModelError` before anything is packed where `weights` does not fit.
 */
export async function packWeights(graph: Graph, owned: Set<Tensor>, options: PackOptions): Promise<Graph> {
  const { device, weights, onProgress, signal, nameOf, bytesAhead = 2 ** 26 } = options;
  const nodes = flatten(graph.nodes);
  const matrices = new Set(nodes.flatMap((node) => (node.op === "linear" ? [node.weight] : [])));
  if (weights) for (const matrix of matrices) checkFit(matrix, weights, nameOf);
  const tables = new Set(nodes.flatMap((node) => (node.op === "embed" ? [node.table] : [])));
  const toPack = [...matrices].filter(({ dtype }) => weights !== undefined || isQuantDType(dtype));
  const total = [...owned].reduce((sum, { bytes }) => sum + bytes, 0);
  let done = total - toPack.reduce((sum, { bytes }) => sum + bytes, 0);
  const packed = new Map<Tensor, Tensor>();
  onProgress?.({ bytesDone: done, bytesTotal: total });
  signal?.throwIfAborted();
  const pack = async (view: Tensor) => {
    const copy = await device.pack(view, weights);
    owned.add(copy);
    return copy;
  };
  for await (const { view, bytes, copy } of packAhead(toPack, bytesAhead, pack)) {
    packed.set(view, copy);
    if (!tables.has(view)) {
      owned.delete(view);
      view.dispose();
    }
    done += bytes;
    onProgress?.({ bytesDone: done, bytesTotal: total });
    signal?.throwIfAborted();
  }
  return { ...graph, nodes: withPacked(graph.nodes, packed) };
}

/**
 * The copies in order. Further ones are begun before they are asked for, so that the device does not wait for the
 * event loop between two. Whoever stops early, or by an error, waits for what was begun.
 */
async function* packAhead(
  views: readonly Tensor[],
  bytesAhead: number,
  pack: (view: Tensor) => Promise<Tensor>,
): AsyncGenerator<{ readonly view: Tensor; readonly bytes: number; readonly copy: Tensor }> {
  const begun: { readonly view: Tensor; readonly bytes: number; readonly copy: Promise<Tensor> }[] = [];
  let next = 0;
  let bytesBegun = 0;
  try {
    while (next < views.length || begun.length > 0) {
      while (next < views.length && (begun.length < 2 || bytesBegun + views[next]!.bytes <= bytesAhead)) {
        const view = views[next++]!;
        const { bytes } = view;
        const copy = pack(view);
        copy.catch(() => {}); // it is awaited below, maybe much later
        begun.push({ view, bytes, copy });
        bytesBegun += bytes;
      }
      const { view, bytes, copy } = begun[0]!;
      yield { view, bytes, copy: await copy };
      begun.shift();
      bytesBegun -= bytes;
    }
  } finally {
    await Promise.allSettled(begun.map(({ copy }) => copy));
  }
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
