import type { Device, Executable, Program, Rope, Tensor } from "@kvasir/kernels";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { devices } from "../../tests/devices.ts";
import { TestSequence } from "../../tests/test-sequence.ts";
import { compileGraph } from "./compile.ts";
import { emit } from "./emit.ts";
import { flatten, type Graph, outputOf, type Value } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";

const shape = { kvLayers: 3, kvHeads: 2, headDim: 4, vocabSize: 12 };
const rope: Rope = { inverseFrequencies: Float64Array.of(1, 0.1), scale: 1, interleaved: false };
const attention = { scale: 0.5, strict: false, window: 0, rope };

/** The trivial twin of `compileGraph`: every operation, every value in a buffer of its own. */
function compileTrivially(graph: Graph): Program {
  const values = flatten(graph.nodes).flatMap((node) => outputOf(node) ?? []);
  return emit(graph, {
    buffers: values.map((value) => ({ ...value })),
    of: new Map(values.map((v, i) => [v, i])),
  });
}

let device: Device;
beforeAll(() => {
  device = devices[0]!.open();
});
afterAll(() => device.dispose());

let weights = 0;

/** Weights from a small noise, another for each, scaled so that rows keep their size. */
function weight(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b);
  const phase = size + 100 * weights++;
  const data = Float32Array.from(
    { length: size },
    (_, i) => (2 * Math.sin(12.9898 * (i + phase))) / Math.sqrt(shape.at(-1)!),
  );
  return device.tensor("f32", shape, data);
}

type Move = { readonly op: number; readonly a: number; readonly b: number; readonly body: readonly Move[] };
const { moves } = fc.letrec<{ moves: Move[]; move: Move }>((tie) => ({
  moves: fc.array(tie("move"), { maxLength: 12 }),
  move: fc.record({
    op: fc.nat(10),
    a: fc.nat(),
    b: fc.nat(),
    body: fc.oneof({ maxDepth: 1 }, fc.constant([]), tie("moves")),
  }),
}));

/** Any moves make a graph that holds: picks go round among the values that fit. */
function randomGraph(moves: readonly Move[], outputMoves: readonly Move[]): Graph {
  const g = new GraphBuilder(shape);
  weights = 0;
  const values: Value[] = [g.embed(weight(12, 8))];
  let written = 0;
  const pick = (n: number, width?: number, rows?: string) => {
    const fitting = values.filter((v) => (width ?? v.width) === v.width && (rows ?? v.rows) === v.rows);
    return fitting[n % fitting.length]!;
  };
  const play = ({ op, a, b, body }: Move, inBody: boolean): Value | undefined => {
    const x = pick(a, undefined, inBody ? "tokens" : undefined);
    if (op === 0) return g.rmsNorm(x, weight(4), 1e-3);
    if (op === 1)
      return g.linear(x, weight(b % 2 ? 8 : 16, x.width), b % 3 ? undefined : weight(b % 2 ? 8 : 16));
    if (op === 2) return g.swiglu(x, pick(b, x.width, x.rows));
    if (op === 3) return g.add(x, pick(b, x.width, x.rows));
    if (op === 4)
      return g.add(
        pick(b, 8, "tokens"),
        g.linear(pick(a, undefined, "tokens"), weight(8, pick(a, undefined, "tokens").width)),
      );
    const tokens = pick(a, undefined, "tokens");
    if (op === 5) return g.rope(tokens, rope);
    if (op === 6 && written > 0)
      return g.attend(tokens, b % written, { ...attention, strict: b % 2 > 0, window: b % 4 });
    if (op === 9)
      return g.swiglu(
        g.linear(x, weight(16, x.width)),
        g.linear(b % 3 ? x : pick(b, x.width, x.rows), weight(16, x.width)),
      );
    if (op === 10 && written < 3) {
      const turned = g.rope(pick(a, 8, "tokens"), rope);
      g.writeKv(written++, turned, b % 2 ? pick(b, 8, "tokens") : turned);
      return b % 3 ? undefined : turned;
    }
    if (op === 7 && written < 3) return void g.writeKv(written++, pick(a, 8, "tokens"), pick(b, 8, "tokens"));
    if (op === 8 && written < 3 && !inBody) {
      const kvLayer = written;
      return g.iterate([kvLayer], 3, 0, tokens, (start) => {
        values.push(g.attend(start, kvLayer, { ...attention, strict: true }));
        for (const move of body.filter(({ op }) => op !== 7 && op !== 10)) push(play(move, true));
        written++;
        const k = pick(a, 8, "tokens");
        g.writeKv(kvLayer, a % 2 ? k : g.rope(k, rope), pick(b, 8, "tokens"));
        for (const move of body.slice(0, 2)) push(play(move, true));
        return pick(b, undefined, "tokens");
      });
    }
    return undefined;
  };
  const push = (value: Value | undefined) => value && values.push(value);
  for (const move of moves) push(play(move, false));
  while (written < 3) g.writeKv(written++, pick(moves.length, 8, "tokens"), pick(0, 8, "tokens"));
  values.push(g.gatherOutputs(pick(moves.length, 8, "tokens")));
  for (const move of outputMoves) push(play(move, false));
  const last = values.findLast(({ rows }) => rows === "outputs")!;
  return g.finish(g.linear(g.rmsNorm(last, weight(8), 1e-3), weight(12, last.width)));
}

/** Logits of two chunks of one sequence, some rows of each. */
async function run(program: Program): Promise<number[]> {
  const executable: Executable = device.compile(program);
  const sequence = new TestSequence(device, program, 16);
  const first = await sequence.feed(executable, [3, 1, 4, 1, 5], [0, 4]);
  const second = await sequence.feed(executable, [9, 2], [1]);
  executable.dispose();
  sequence.memory.dispose();
  return [...first, ...second];
}

function expectClose(actual: readonly number[], expected: readonly number[], bound: number) {
  const largest = Math.max(1, ...expected.map(Math.abs));
  for (const [i, value] of expected.entries())
    expect(Math.abs(actual[i]! - value)).toBeLessThan(bound * largest);
}

describe("compileGraph", () => {
  it("gives the logits of the graph as it was described", async () => {
    await fc.assert(
      fc.asyncProperty(moves, moves, async (tokenMoves, outputMoves) => {
        const graph = randomGraph(tokenMoves, outputMoves);
        expectClose(await run(compileGraph(graph)), await run(compileTrivially(graph)), 1e-6);
      }),
      { numRuns: 300 },
    );
  });

  /** Pre-norm blocks of attention and MLP as in Llama, `layers` of them. */
  function blocks(layers: number): Graph {
    const g = new GraphBuilder({ ...shape, kvLayers: layers });
    const norm = (x: Value) => g.rmsNorm(x, weight(8), 1e-3);
    let x = g.embed(weight(12, 8));
    for (let layer = 0; layer < layers; layer++) {
      const h = norm(x);
      g.writeKv(layer, g.rope(g.linear(h, weight(8, 8)), rope), g.linear(h, weight(8, 8)));
      const q = g.rope(g.linear(h, weight(16, 8)), rope);
      x = g.add(x, g.linear(g.attend(q, layer, attention), weight(8, 16)));
      const m = norm(x);
      const up = g.swiglu(g.linear(m, weight(24, 8)), g.linear(m, weight(24, 8)));
      x = g.add(x, g.linear(up, weight(8, 24)));
    }
    return g.finish(g.linear(norm(g.gatherOutputs(x)), weight(12, 8)));
  }

  it("needs no more buffers for more layers", () => {
    const [two, eight] = [compileGraph(blocks(2)), compileGraph(blocks(8))];
    expect(eight.buffers.length).toBe(two.buffers.length);
    const tokenBuffers = eight.buffers.filter(({ rows }) => rows === "tokens").map(({ width }) => width);
    // Stream, norm, k and v; q and what it attended; the product of gate and up.
    expect(tokenBuffers.sort((a, b) => a - b)).toEqual([8, 8, 8, 8, 16, 16, 24]);
  });

  it("adds residuals inside linear", () => {
    const { instructions } = compileGraph(blocks(2));
    expect(instructions.filter(({ op }) => op === "add")).toEqual([]);
    expect(instructions.filter((i) => i.op === "linear" && i.residual !== undefined)).toHaveLength(4);
  });

  it("makes one operation of gate, up and their product", () => {
    const { instructions } = compileGraph(blocks(2));
    expect(instructions.filter(({ op }) => op === "gated")).toHaveLength(2);
    expect(instructions.filter(({ op }) => op === "swiglu")).toEqual([]);
  });

  it("turns keys as they are written, unless something else reads them turned", () => {
    const turnedKeys = (readTwice: boolean) => {
      const g = new GraphBuilder({ ...shape, kvLayers: 1 });
      const x = g.embed(weight(12, 8));
      const k = g.rope(x, rope);
      g.writeKv(0, k, x);
      const q = readTwice ? k : x;
      return compileGraph(g.finish(g.linear(g.gatherOutputs(g.attend(q, 0, attention)), weight(12, 8))));
    };
    const once = turnedKeys(false);
    expect(once.instructions.map(({ op }) => op)).not.toContain("rope");
    expect(once.instructions[1]).toMatchObject({ op: "writeKv", k: 0, v: 0, rope: 0 });
    const twice = turnedKeys(true).instructions;
    expect(twice.filter(({ op }) => op === "rope")).toHaveLength(1);
    expect(twice.find(({ op }) => op === "writeKv")).not.toHaveProperty("rope");
  });

  it.each<[string, (g: GraphBuilder, x: Value) => Value]>([
    ["a bias", (g, x) => g.swiglu(g.linear(x, weight(8, 8), weight(8)), g.linear(x, weight(8, 8)))],
    [
      "rows of their own each",
      (g, x) => g.swiglu(g.linear(x, weight(8, 8)), g.linear(g.rmsNorm(x, weight(8), 0), weight(8, 8))),
    ],
    [
      "a second reader",
      (g, x) => {
        const gate = g.linear(x, weight(8, 8));
        return g.add(gate, g.swiglu(gate, g.linear(x, weight(8, 8))));
      },
    ],
    [
      "another number format",
      (g, x) =>
        g.swiglu(
          g.linear(x, weight(8, 8)),
          g.linear(x, device.tensor("f16", [8, 8], new Uint16Array(64).fill(0x3c00))),
        ),
    ],
  ])("leaves gate and up apart that have %s", (_name, gatedOf) => {
    const g = new GraphBuilder({ ...shape, kvLayers: 1 });
    const x = g.embed(weight(12, 8));
    g.writeKv(0, x, x);
    const { instructions } = compileGraph(
      g.finish(g.linear(g.gatherOutputs(gatedOf(g, g.attend(x, 0, attention))), weight(12, 8))),
    );
    expect(instructions.map(({ op }) => op)).not.toContain("gated");
    expect(instructions.map(({ op }) => op)).toContain("swiglu");
  });

  it("runs what follows the last attention on output rows only", () => {
    const { instructions, buffers } = compileGraph(blocks(2));
    const after = instructions.slice(instructions.findLastIndex(({ op }) => op === "attend") + 1);
    const rows = after.map((i) => ("out" in i ? buffers[i.out]!.rows : "none"));
    expect(after.length).toBeGreaterThan(4);
    expect(new Set(rows)).toEqual(new Set(["outputs"]));
  });

  it("runs in every pass only what the writes inside an iterate need", () => {
    const g = new GraphBuilder({ ...shape, kvLayers: 1 });
    const above = { ...attention, strict: true };
    const x = g.iterate([0], 9, 0, g.embed(weight(12, 8)), (start) => {
      const y = g.add(start, g.attend(start, 0, above));
      g.writeKv(0, y, g.linear(y, weight(8, 8)));
      return g.add(y, g.attend(y, 0, attention));
    });
    const { instructions } = compileGraph(g.finish(g.linear(g.gatherOutputs(x), weight(12, 8))));
    expect(instructions[1]).toMatchObject({ op: "iterate", body: 4 });
    const ops = instructions.map(({ op }) => op);
    expect(ops.slice(2, 6)).toEqual(["attend", "add", "linear", "writeKv"]);
    expect(ops.slice(6)).toContain("attend");
  });

  it("keeps what reads a KV layer before its write inside the iterate", async () => {
    const g = new GraphBuilder({ ...shape, kvLayers: 1 });
    const above = { ...attention, strict: true };
    const x = g.iterate([0], 3, 0, g.embed(weight(12, 8)), (start) => {
      const y = g.add(start, g.linear(g.attend(start, 0, above), weight(8, 8)));
      const z = g.attend(y, 0, above);
      g.writeKv(0, y, y);
      return z;
    });
    const graph = g.finish(g.linear(g.gatherOutputs(x), weight(12, 8)));
    expectClose(await run(compileGraph(graph)), await run(compileTrivially(graph)), 1e-6);
  });

  it("drops what nothing reads and names each tensor once", () => {
    const g = new GraphBuilder({ ...shape, kvLayers: 1 });
    const table = weight(12, 8);
    const x = g.embed(table);
    g.writeKv(0, x, x);
    g.linear(g.attend(x, 0, attention), weight(8, 8));
    const program = compileGraph(g.finish(g.linear(g.gatherOutputs(x), table)));
    expect(program.instructions.map(({ op }) => op)).toEqual(["embed", "gatherOutputs", "writeKv", "linear"]);
    expect(program.tensors).toEqual([table]);
  });
});
