import type { Rope, Tensor } from "@kvasir/kernels";
import { describe, expect, it } from "vitest";
import type { Value } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { GraphError } from "./graph-error.ts";

const weight = (...shape: number[]): Tensor => ({
  dtype: "f32",
  shape,
  bytes: 0,
  packed: false,
  dispose() {},
  [Symbol.dispose]() {},
});
const rope: Rope = { inverseFrequencies: new Float64Array([1]), scale: 1, interleaved: false };
const causal = { scale: 1, strict: false, window: 0, rope };
const strict = { ...causal, strict: true };

/** 2 KV layers, 2 KV heads of 4 elements, 10 tokens in the vocabulary, rows of 8. */
const build = (describeGraph: (g: GraphBuilder, x: Value) => unknown) => () => {
  const g = new GraphBuilder({ kvLayers: 2, kvHeads: 2, headDim: 4, vocabSize: 10 });
  return describeGraph(g, g.embed(weight(10, 8)));
};

describe("GraphBuilder", () => {
  it("gives every value its shape", () => {
    build((g, x) => {
      expect(x).toEqual({ width: 8, rows: "tokens" });
      expect(g.linear(x, weight(24, 8))).toEqual({ width: 24, rows: "tokens" });
      expect(g.gatherOutputs(x)).toEqual({ width: 8, rows: "outputs" });
      expect(g.rmsNorm(g.gatherOutputs(x), weight(4), 0)).toEqual({ width: 8, rows: "outputs" });
    })();
  });

  it.each<[string, string, (g: GraphBuilder, x: Value) => unknown]>([
    ["a table of another vocabulary", "embed: table has 11 rows, expected 10", (g) => g.embed(weight(11, 8))],
    [
      "a norm that does not divide the row",
      "rmsNorm: x is [tokens, 8], weight [3]",
      (g, x) => g.rmsNorm(x, weight(3), 0),
    ],
    [
      "a matrix as a norm",
      "rmsNorm: weight is [8,8], expected one dimension",
      (g, x) => g.rmsNorm(x, weight(8, 8), 0),
    ],
    ["a negative eps", "rmsNorm: eps is -1", (g, x) => g.rmsNorm(x, weight(8), -1)],
    ["unequal inner widths", "linear: x is [tokens, 8], weight [8, 9]", (g, x) => g.linear(x, weight(8, 9))],
    [
      "a bias of another length",
      "bias [7], expected bias [8]",
      (g, x) => g.linear(x, weight(8, 8), weight(7)),
    ],
    ["rotation of half a head", "rope: x is [tokens, 6]", (g, x) => g.rope(g.linear(x, weight(6, 8)), rope)],
    ["rotation of output rows", "rope: x is [outputs, 8]", (g, x) => g.rope(g.gatherOutputs(x), rope)],
    [
      "rotation of more than a head",
      "rope: it turns 6 elements of a head, expected at most headDim 4",
      (g, x) => g.rope(x, { ...rope, inverseFrequencies: new Float64Array(3) }),
    ],
    ["a KV layer that is not", "writeKv: KV layer 2, expected 0 to 1", (g, x) => g.writeKv(2, x, x)],
    [
      "keys of another width",
      "writeKv: k is [tokens, 4]",
      (g, x) => g.writeKv(0, g.linear(x, weight(4, 8)), x),
    ],
    [
      "a second writer",
      "writeKv: KV layer 0 is written twice",
      (g, x) => {
        g.writeKv(0, x, x);
        g.writeKv(0, x, x);
      },
    ],
    ["attention before the write", "attend: KV layer 0 is not written yet", (g, x) => g.attend(x, 0, strict)],
    [
      "causal attention to a KV layer above",
      "attend: KV layer 0 is not written yet",
      (g, x) => g.iterate([0], 2, 0, x, (y) => g.attend(y, 0, causal)),
    ],
    [
      "heads that do not share KV heads evenly",
      "attend: q has 3 heads, expected a multiple of kvHeads 2",
      (g, x) => {
        g.writeKv(0, x, x);
        g.attend(g.linear(x, weight(12, 8)), 0, causal);
      },
    ],
    [
      "half a window",
      "attend: window is 1.5",
      (g, x) => {
        g.writeKv(0, x, x);
        g.attend(x, 0, { ...causal, window: 1.5 });
      },
    ],
    [
      "a sum of unequal shapes",
      "add: a is [tokens, 8], b [outputs, 8]",
      (g, x) => g.add(x, g.gatherOutputs(x)),
    ],
    [
      "a gate of another width",
      "swiglu: gate is [tokens, 8], up [tokens, 4]",
      (g, x) => g.swiglu(x, g.linear(x, weight(4, 8))),
    ],
    ["gathering twice", "gatherOutputs: x is [outputs, 8]", (g, x) => g.gatherOutputs(g.gatherOutputs(x))],
    ["no pass", "iterate: passes is 0", (g, x) => g.iterate([0], 0, 0, x, (y) => y)],
    ["a negative tolerance", "iterate: tolerance is -1", (g, x) => g.iterate([0], 1, -1, x, (y) => y)],
    [
      "a body that does not write",
      "its body does not write KV layer 0",
      (g, x) => g.iterate([0], 1, 0, x, (y) => y),
    ],
    [
      "iterates in iterates",
      "iterate: it stands inside another iterate",
      (g, x) => g.iterate([0], 1, 0, x, (y) => g.iterate([1], 1, 0, y, (z) => z)),
    ],
    [
      "output rows inside an iterate",
      "add: an input is [outputs, 8] inside an iterate",
      (g, x) => {
        const output = g.gatherOutputs(x);
        g.iterate([0], 1, 0, x, () => g.add(output, output));
      },
    ],
    [
      "a value of another graph",
      "add: an input is of another graph",
      (g, x) => g.add(x, { width: 8, rows: "tokens" }),
    ],
    [
      "a result of all tokens",
      "finish: the result is [tokens, 8], expected rows of outputs",
      (g, x) => g.finish(x),
    ],
    [
      "a KV layer that is never written",
      "finish: KV layer 0 is never written",
      (g, x) => g.finish(g.linear(g.gatherOutputs(x), weight(10, 8))),
    ],
  ])("refuses %s", (_name, message, describeGraph) => {
    expect(build(describeGraph)).toThrow(GraphError);
    expect(build(describeGraph)).toThrow(message);
  });
});
