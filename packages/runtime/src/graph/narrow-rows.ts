import { type Graph, inputsOf, type Node, outputOf, type Value } from "./graph.ts";

type RowWise = Extract<Node, { op: "rmsNorm" | "linear" | "swiglu" | "add" }>;

/** The values that something reads for all tokens, and those read at the outputs of the step. */
type Demand = { readonly tokens: Set<Value>; readonly outputs: Set<Value> };

/**
 * Computes each value only where something needs it: operations that nothing reads are dropped, and
 * those that work row by row and are only read at the step's outputs run on output rows. The last
 * layer's MLP and the head then cost nothing for the tokens of a prompt that no one asks about.
 */
export function narrowRows(graph: Graph): Graph {
  const demand: Demand = { tokens: new Set(), outputs: new Set([graph.result]) };
  collectDemand(graph.nodes, demand, true);
  const narrowed = new Map<Value, Value>();
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (!isNeeded(node, demand)) return [];
    if (node.op === "gatherOutputs") {
      narrowed.set(node.out, narrowed.get(node.x)!);
      return [];
    }
    if (isRowWise(node) && narrows(node, demand)) return [narrow(node, narrowed)];
    if (node.op !== "iterate") return [node, ...gathers([node], demand, narrowed)];
    const body = node.body.filter((inner) => isNeeded(inner, demand));
    return [{ ...node, body }, ...gathers(body, demand, narrowed)];
  });
  return { ...graph, nodes, result: narrowed.get(graph.result)! };
}

/** From the last operation to the first, so that an operation's readers are known when it is reached. */
function collectDemand(nodes: readonly Node[], demand: Demand, outermost: boolean): void {
  for (const node of [...nodes].reverse()) {
    if (node.op === "iterate") collectDemand(node.body, demand, false);
    if (!isNeeded(node, demand)) continue;
    // The body of an iterate runs for all rows.
    const atOutputs = node.op === "gatherOutputs" || (outermost && isRowWise(node) && narrows(node, demand));
    for (const input of inputsOf(node)) demand[atOutputs ? "outputs" : "tokens"].add(input);
  }
}

/** An operation without a result (a write to the cache, an iterate around one) is always needed. */
function isNeeded(node: Node, demand: Demand): boolean {
  const out = outputOf(node);
  return !out || demand.tokens.has(out) || demand.outputs.has(out);
}

function isRowWise(node: Node): node is RowWise {
  return node.op === "rmsNorm" || node.op === "linear" || node.op === "swiglu" || node.op === "add";
}

function narrows(node: RowWise, demand: Demand): boolean {
  return !demand.tokens.has(node.out);
}

/** Gathers what these operations make for all tokens and is read at the outputs. */
function gathers(nodes: readonly Node[], demand: Demand, narrowed: Map<Value, Value>): Node[] {
  return nodes.flatMap((node) => {
    const x = outputOf(node);
    if (!x || !demand.outputs.has(x)) return [];
    return [{ op: "gatherOutputs", out: newForm(x, narrowed), x } as const];
  });
}

/** The same operation on the output rows of its inputs. */
function narrow(node: RowWise, narrowed: Map<Value, Value>): Node {
  const of = (value: Value) => narrowed.get(value)!;
  const out = newForm(node.out, narrowed);
  switch (node.op) {
    case "rmsNorm":
      return { ...node, out, x: of(node.x) };
    case "linear":
      return { ...node, out, x: of(node.x), ...(node.residual && { residual: of(node.residual) }) };
    case "swiglu":
      return { ...node, out, gate: of(node.gate), up: of(node.up) };
    case "add":
      return { ...node, out, a: of(node.a), b: of(node.b) };
  }
}

function newForm(value: Value, narrowed: Map<Value, Value>): Value {
  const form: Value = { width: value.width, rows: "outputs" };
  narrowed.set(value, form);
  return form;
}
