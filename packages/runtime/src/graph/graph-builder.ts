import type { Rope, Tensor } from "@kvasir/kernels";
import type { Attention, CacheShape, Graph, Node, Value } from "./graph.ts";
import { GraphError } from "./graph-error.ts";

/**
 * Describes a model's forward pass. Each call adds one operation and gives its result; shapes and the
 * order of writes and reads of the cache are checked as it is built. All methods throw `GraphError`.
 * What the operations compute is defined by `Instruction` of the kernels.
 */
export class GraphBuilder {
  readonly shape: CacheShape;
  readonly #nodes: Node[] = [];
  readonly #values = new Set<Value>();
  readonly #written = new Set<number>();
  /** The body being described: its operations, and the KV layers that it reads before it writes them. */
  #body: { readonly nodes: Node[]; readonly kvLayers: readonly number[] } | undefined;

  constructor(shape: CacheShape) {
    this.shape = shape;
  }

  /** The rows of `table` [vocabSize, width] of the step's tokens. */
  embed(table: Tensor): Value {
    const [vocab, width] = matrix("embed", "table", table);
    expect("embed", vocab === this.shape.vocabSize, `table has ${vocab} rows`, `${this.shape.vocabSize}`);
    return this.#add({ op: "embed", out: { width, rows: "tokens" }, table });
  }

  /** RMS norm over each run of `weight.length` elements (the whole row, or each head). */
  rmsNorm(x: Value, weight: Tensor, eps: number): Value {
    const n = vector("rmsNorm", "weight", weight);
    expect(
      "rmsNorm",
      x.width % n === 0,
      `x is ${shapeOf(x)}, weight [${n}]`,
      "a length that divides x's width",
    );
    expect("rmsNorm", eps >= 0 && Number.isFinite(eps), `eps is ${eps}`, "0 or more");
    return this.#add({ op: "rmsNorm", out: { ...x }, x, weight, eps }, x);
  }

  /** `weight` [outWidth, inWidth] times each row, plus `bias` [outWidth]. */
  linear(x: Value, weight: Tensor, bias?: Tensor): Value {
    const [width, inWidth] = matrix("linear", "weight", weight);
    expect(
      "linear",
      inWidth === x.width,
      `x is ${shapeOf(x)}, weight [${width}, ${inWidth}]`,
      "equal inner widths",
    );
    const length = bias ? vector("linear", "bias", bias) : width;
    expect(
      "linear",
      length === width,
      `weight is [${width}, ${inWidth}], bias [${length}]`,
      `bias [${width}]`,
    );
    return this.#add({ op: "linear", out: { width, rows: x.rows }, x, weight, bias }, x);
  }

  /** Turns each head to its token's position. */
  rope(x: Value, rope: Rope): Value {
    const { headDim } = this.shape;
    this.#expectHeads("rope", "x", x);
    const turned = 2 * rope.inverseFrequencies.length;
    expect("rope", turned <= headDim, `it turns ${turned} elements of a head`, `at most headDim ${headDim}`);
    return this.#add({ op: "rope", out: { ...x }, x, rope }, x);
  }

  /** Stores keys and values [kvHeads * headDim] of every token in a KV layer. Once for each KV layer. */
  writeKv(kvLayer: number, k: Value, v: Value): void {
    this.#expectKvLayer("writeKv", kvLayer);
    const width = this.shape.kvHeads * this.shape.headDim;
    for (const [name, value] of Object.entries({ k, v })) {
      this.#expectHeads("writeKv", name, value);
      expect(
        "writeKv",
        value.width === width,
        `${name} is ${shapeOf(value)}`,
        `width kvHeads * headDim = ${width}`,
      );
    }
    expect("writeKv", !this.#written.has(kvLayer), `KV layer ${kvLayer} is written twice`, "one writer");
    this.#written.add(kvLayer);
    this.#add({ op: "writeKv", kvLayer, k, v }, k, v);
  }

  /**
   * Attention of `q` [heads * headDim] over a KV layer. It must have been written before, unless an
   * `iterate` around both lists it and the mask is strict.
   */
  attend(q: Value, kvLayer: number, how: Attention): Value {
    this.#expectKvLayer("attend", kvLayer);
    this.#expectHeads("attend", "q", q);
    const { kvHeads, headDim } = this.shape;
    const heads = q.width / headDim;
    expect("attend", heads % kvHeads === 0, `q has ${heads} heads`, `a multiple of kvHeads ${kvHeads}`);
    expect(
      "attend",
      Number.isSafeInteger(how.window) && how.window >= 0,
      `window is ${how.window}`,
      "0 or more",
    );
    const fromAbove = how.strict && this.#body?.kvLayers.includes(kvLayer);
    expect(
      "attend",
      this.#written.has(kvLayer) || fromAbove === true,
      `KV layer ${kvLayer} is not written yet`,
      "a write before it, or a strict mask inside an iterate that lists the KV layer",
    );
    const { scale, strict, window, rope } = how;
    return this.#add({ op: "attend", out: { ...q }, q, kvLayer, scale, strict, window, rope }, q);
  }

  /** silu(gate) * up. */
  swiglu(gate: Value, up: Value): Value {
    expectSame("swiglu", "gate", gate, "up", up);
    return this.#add({ op: "swiglu", out: { ...gate }, gate, up }, gate, up);
  }

  add(a: Value, b: Value): Value {
    expectSame("add", "a", a, "b", b);
    return this.#add({ op: "add", out: { ...a }, a, b }, a, b);
  }

  /** From a row for each token to a row for each output of the step. */
  gatherOutputs(x: Value): Value {
    expect("gatherOutputs", x.rows === "tokens", `x is ${shapeOf(x)}`, "rows of tokens");
    expect("gatherOutputs", !this.#body, "it stands inside an iterate", "the outermost block");
    return this.#add({ op: "gatherOutputs", out: { width: x.width, rows: "outputs" }, x }, x);
  }

  /**
   * Runs `body` on `x` several times over a prompt's chunk, so that layers can read `kvLayers`, which
   * stand above them (LCKV, Wu and Tu 2024). `passes`: at least 1. `tolerance`: stop once a pass changes
   * no key or value by more; 0: never. The body writes all of `kvLayers`. Does not nest.
   */
  iterate(
    kvLayers: readonly number[],
    passes: number,
    tolerance: number,
    x: Value,
    body: (x: Value) => Value,
  ): Value {
    expect("iterate", !this.#body, "it stands inside another iterate", "the outermost block");
    expect("iterate", Number.isSafeInteger(passes) && passes >= 1, `passes is ${passes}`, "1 or more");
    expect("iterate", Number.isFinite(tolerance) && tolerance >= 0, `tolerance is ${tolerance}`, "0 or more");
    expect("iterate", kvLayers.length > 0, "it lists no KV layer", "at least one");
    for (const kvLayer of kvLayers) {
      this.#expectKvLayer("iterate", kvLayer);
      expect(
        "iterate",
        !this.#written.has(kvLayer),
        `KV layer ${kvLayer} is written before it`,
        "a write inside",
      );
    }
    const nodes: Node[] = [];
    this.#body = { nodes, kvLayers };
    let result: Value;
    try {
      result = body(x);
    } finally {
      this.#body = undefined;
    }
    for (const kvLayer of kvLayers) {
      expect("iterate", this.#written.has(kvLayer), `its body does not write KV layer ${kvLayer}`, "a write");
    }
    expect(
      "iterate",
      this.#values.has(result),
      "its body's result is of another graph",
      "a value of this graph",
    );
    this.#nodes.push({ op: "iterate", kvLayers: [...kvLayers], passes, tolerance, body: nodes });
    return result;
  }

  /** The finished graph, of a value with rows of outputs. Every KV layer must have been written. */
  finish(result: Value): Graph {
    const { kvLayers } = this.shape;
    expect("finish", this.#values.has(result), "the result is of another graph", "a value of this graph");
    expect("finish", result.rows === "outputs", `the result is ${shapeOf(result)}`, "rows of outputs");
    for (let kvLayer = 0; kvLayer < kvLayers; kvLayer++) {
      expect("finish", this.#written.has(kvLayer), `KV layer ${kvLayer} is never written`, "one write");
    }
    return { shape: this.shape, nodes: [...this.#nodes], result };
  }

  #add<T extends Node>(node: T, ...inputs: Value[]): T extends { out: Value } ? Value : undefined;
  #add(node: Node, ...inputs: Value[]): Value | undefined {
    for (const input of inputs) {
      expect(node.op, this.#values.has(input), "an input is of another graph", "values of this graph");
      const hasRows = !this.#body || input.rows === "tokens";
      expect(node.op, hasRows, `an input is ${shapeOf(input)} inside an iterate`, "rows of tokens");
    }
    (this.#body?.nodes ?? this.#nodes).push(node);
    if (!("out" in node)) return undefined;
    this.#values.add(node.out);
    return node.out;
  }

  #expectKvLayer(op: string, kvLayer: number): void {
    const last = this.shape.kvLayers - 1;
    const inRange = Number.isSafeInteger(kvLayer) && kvLayer >= 0 && kvLayer <= last;
    expect(op, inRange, `KV layer ${kvLayer}`, `0 to ${last}`);
  }

  #expectHeads(op: string, name: string, value: Value): void {
    const { headDim } = this.shape;
    expect(
      op,
      value.rows === "tokens" && value.width % headDim === 0,
      `${name} is ${shapeOf(value)}`,
      `rows of tokens, a width that headDim ${headDim} divides`,
    );
  }
}

const shapeOf = (value: Value) => `[${value.rows}, ${value.width}]`;

function expect(op: string, ok: boolean, received: string, wanted: string): void {
  if (!ok) throw new GraphError(`${op}: ${received}, expected ${wanted}`);
}

function expectSame(op: string, nameA: string, a: Value, nameB: string, b: Value): void {
  const same = a.width === b.width && a.rows === b.rows;
  expect(op, same, `${nameA} is ${shapeOf(a)}, ${nameB} ${shapeOf(b)}`, "equal shapes");
}

function matrix(op: string, name: string, tensor: Tensor): [number, number] {
  const [rows, columns, ...more] = tensor.shape;
  const is2d = rows !== undefined && columns !== undefined && more.length === 0;
  expect(op, is2d, `${name} is [${tensor.shape}]`, "two dimensions");
  return [rows!, columns!];
}

function vector(op: string, name: string, tensor: Tensor): number {
  expect(op, tensor.shape.length === 1, `${name} is [${tensor.shape}]`, "one dimension");
  return tensor.shape[0]!;
}
