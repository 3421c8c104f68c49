import type { Rope, Tensor } from "@kvasir/kernels";

/**
 * A result inside a graph, `[rows, width]`: a row for each token of the step, or only for each output.
 * Two values are the same when they are the same object.
 */
export type Value = { readonly width: number; readonly rows: "tokens" | "outputs" };

/** One operation, as `Instruction` of the kernels defines it, over values instead of buffers. */
export type Node =
  | { readonly op: "embed"; readonly out: Value; readonly table: Tensor }
  | {
      readonly op: "rmsNorm";
      readonly out: Value;
      readonly x: Value;
      readonly weight: Tensor;
      readonly eps: number;
    }
  | {
      readonly op: "linear";
      readonly out: Value;
      readonly x: Value;
      readonly weight: Tensor;
      readonly bias: Tensor | undefined;
      readonly residual?: Value;
    }
  | { readonly op: "rope"; readonly out: Value; readonly x: Value; readonly rope: Rope }
  | {
      readonly op: "writeKv";
      readonly kvLayer: number;
      readonly k: Value;
      readonly v: Value;
      /** Turns k on its way into the cache. */
      readonly rope?: Rope;
    }
  | ({ readonly op: "attend"; readonly out: Value; readonly q: Value; readonly kvLayer: number } & Attention)
  | { readonly op: "swiglu"; readonly out: Value; readonly gate: Value; readonly up: Value }
  | {
      readonly op: "gated";
      readonly out: Value;
      readonly x: Value;
      readonly gate: Tensor;
      readonly up: Tensor;
    }
  | { readonly op: "add"; readonly out: Value; readonly a: Value; readonly b: Value }
  | { readonly op: "gatherOutputs"; readonly out: Value; readonly x: Value }
  | {
      readonly op: "iterate";
      readonly kvLayers: readonly number[];
      readonly passes: number;
      readonly tolerance: number;
      readonly body: readonly Node[];
    };

/** How queries attend; `rope` is what they were turned by. */
export type Attention = {
  readonly scale: number;
  readonly strict: boolean;
  /** Tokens, the query's own included; 0: all. */
  readonly window: number;
  readonly rope: Rope;
};

/** What all KV layers of a model have in common, and its vocabulary. */
export type CacheShape = {
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
};

/** Operations in the order they run; each reads what stands before it. */
export type Graph = {
  readonly shape: CacheShape;
  readonly nodes: readonly Node[];
  /** What steps return: rows `"outputs"`. Only from logits, of width `vocabSize`, can they sample. */
  readonly result: Value;
};

/** The values that an operation reads itself; those of an iterate's body are its body's. */
export function inputsOf(node: Node): readonly Value[] {
  switch (node.op) {
    case "embed":
    case "iterate":
      return [];
    case "rmsNorm":
    case "rope":
    case "gated":
    case "gatherOutputs":
      return [node.x];
    case "linear":
      return node.residual ? [node.x, node.residual] : [node.x];
    case "writeKv":
      return [node.k, node.v];
    case "attend":
      return [node.q];
    case "swiglu":
      return [node.gate, node.up];
    case "add":
      return [node.a, node.b];
  }
}

/** The value that an operation makes, if any. */
export function outputOf(node: Node): Value | undefined {
  return "out" in node ? node.out : undefined;
}

/** Operations of a block and of the bodies in it, in the order they stand in a program. */
export function flatten(nodes: readonly Node[]): Node[] {
  return nodes.flatMap((node) => (node.op === "iterate" ? [node, ...flatten(node.body)] : [node]));
}
