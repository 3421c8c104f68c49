import type { AttentionRead } from "../attention-read.ts";
import type { Program } from "../program.ts";
import { type Attend, HeadScores } from "./head-scores.ts";
import type { InterpreterPageMemory } from "./page-memory.ts";
import { type HeldQuery, InterpreterQueryWindow } from "./query-window.ts";
import { reduceHeads } from "./reduction.ts";
import { angleAt, turnAt, turnHead } from "./rotation.ts";
import { softmax } from "./softmax.ts";
import type { Work } from "./work-queue.ts";

/** A layer that attends to the KV layer: its instruction, and the query heads that share the KV head. */
type Layer = {
  readonly index: number;
  readonly attend: Attend;
  readonly heads: readonly number[];
  readonly keys: HeadScores;
};

/** One read, whose arguments have been checked. */
export class AttentionReadRun {
  readonly #program: Program;
  readonly #read: AttentionRead;
  readonly #layers: readonly Layer[];
  readonly #queries: readonly HeldQuery[];

  constructor(program: Program, memory: InterpreterPageMemory, read: AttentionRead) {
    this.#program = program;
    this.#read = read;
    this.#layers = layersOf(program, memory, read);
    const { queries, window, position } = read;
    this.#queries = queries instanceof InterpreterQueryWindow ? queries.newest(window, position) : [];
  }

  /** [slots] */
  *run(): Work<Float32Array> {
    const { measure, slots } = this.#read;
    const result = new Float64Array(slots);
    if (this.#layers.length === 0 && measure === "expected") result.fill(1 / slots);
    for (const layer of this.#layers) {
      const shares = measure === "expected" ? yield* this.#expected(layer) : yield* this.#paid(layer);
      for (let slot = 0; slot < slots; slot++) result[slot]! += shares[slot]! / this.#layers.length;
    }
    return new Float32Array(result);
  }

  /** What the queries of a layer pay, or how often they pay enough. */
  *#paid(layer: Layer): Work<Float64Array> {
    const { slots, reduce } = this.#read;
    const total = new Float64Array(slots);
    for (const held of this.#queries) {
      const q = queryOf(held, layer);
      const heads = layer.heads.map((head) => this.#measured(this.#scores(layer, held.position, q, head)));
      for (const [slot, share] of reduceHeads(reduce, heads).entries()) total[slot]! += share;
      yield;
    }
    return total;
  }

  /** Of every slot; -Infinity where the query does not see it. */
  #scores({ attend, keys }: Layer, own: number, q: Float64Array, head: number): Float64Array {
    return Float64Array.from({ length: this.#read.slots }, (_, slot) => {
      const position = keys.position(slot);
      const later = attend.strict ? position >= own : position > own;
      const hidden = later || (attend.window > 0 && position <= own - attend.window);
      return hidden ? -Infinity : keys.score(slot, q, head * this.#program.headDim);
    });
  }

  #measured(scores: Float64Array): Float64Array {
    const shares = softmax(scores);
    if (this.#read.measure === "sum") return shares;
    const seen = scores.filter((score) => score !== -Infinity).length;
    const least = Math.fround(this.#read.threshold) / seen;
    return shares.map((share, slot) => (scores[slot] !== -Infinity && share >= least ? 1 : 0));
  }

  *#expected(layer: Layer): Work<Float64Array> {
    const { slots, reduce } = this.#read;
    const { headDim } = this.#program;
    const count = this.#queries.length;
    const future = this.#futureQueries(layer);
    const heads: Float64Array[] = [];
    for (const head of layer.heads) {
      const logits = new Float64Array(slots);
      for (let slot = 0; count > 0 && slot < slots; slot++) {
        const scores = future.map((q) => layer.keys.score(slot, q, head * headDim));
        const mean = scores.reduce((a, b) => a + b, 0) / count;
        const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / count;
        logits[slot] = mean + variance / 2;
        yield;
      }
      heads.push(softmax(logits));
    }
    return reduceHeads(reduce, heads);
  }

  /** All heads of every query, as if it stood at each of the next positions, on average. */
  #futureQueries(layer: Layer): Float64Array[] {
    const { headDim, ropes } = this.#program;
    const { position, future } = this.#read;
    const rope = ropes[layer.attend.rope]!;
    const pairs = rope.inverseFrequencies.length;
    const mean = { cos: new Float64Array(pairs), sin: new Float64Array(pairs) };
    for (let i = 0; i < pairs; i++) {
      for (let at = position; at < position + future; at++) {
        mean.cos[i]! += Math.cos(angleAt(rope, i, at)) / future;
        mean.sin[i]! += Math.sin(angleAt(rope, i, at)) / future;
      }
    }
    return this.#queries.map((held) => {
      const q = queryOf(held, layer);
      const { cos, sin } = turnAt(rope, held.position, 1);
      const back = { cos, sin: sin.map((value) => -value) };
      for (let at = 0; at < q.length; at += headDim) {
        turnHead(q, at, q, at, headDim, rope, back);
        turnHead(q, at, q, at, headDim, rope, mean);
      }
      return q;
    });
  }
}

function layersOf(program: Program, memory: InterpreterPageMemory, read: AttentionRead): Layer[] {
  const { kvHeads, headDim, buffers, ropes } = program;
  const { kvLayer, kvHead, pages, slots, position, sinks } = read;
  return program.instructions.flatMap((attend, index) => {
    if (attend.op !== "attend" || attend.kvLayer !== kvLayer) return [];
    const group = buffers[attend.q]!.width / headDim / kvHeads;
    const heads = Array.from({ length: group }, (_, i) => kvHead * group + i);
    const seen = { count: Math.min(sinks, slots), forward: position - slots };
    return [{ index, attend, heads, keys: new HeadScores(attend, ropes[attend.rope]!, memory, pages, seen) }];
  });
}

/** A copy, in double precision. */
function queryOf(held: HeldQuery, { index }: Layer): Float64Array {
  return new Float64Array(held.layers.get(index)!);
}
