import type { Tensor } from "./tensor.ts";

/**
 * A compiled program: straight-line instructions over row-major f32 buffers.
 *
 * A buffer holds `[rows, width]`. Its rows are either the tokens of the step (`"tokens"`) or only
 * those whose logits were asked for (`"outputs"`). All KV layers of a program have the same shape.
 */
export type Program = {
  /** KV layers that the cache holds: unique sources of the layer map. */
  readonly kvLayers: number;
  readonly kvHeads: number;
  /** Elements of one key or value; even. */
  readonly headDim: number;
  readonly vocabSize: number;
  readonly buffers: readonly BufferSpec[];
  /** Weights that instructions name by index; they must belong to the device that compiles. */
  readonly tensors: readonly Tensor[];
  readonly ropes: readonly Rope[];
  readonly instructions: readonly Instruction[];
  /**
   * The buffer that steps return and sample from: rows `"outputs"`, logits of width `vocabSize`. Another width is for
   * programs that end before the head: steps cannot sample then.
   */
  readonly logits: number;
};

/** Numbers that a step returns for each output. */
export function logitsWidth({ buffers, logits }: Program): number {
  return buffers[logits]!.width;
}

export type BufferSpec = { readonly width: number; readonly rows: "tokens" | "outputs" };

/**
 * Rotary position embedding (Su et al. 2021). Element pair `i` of a head is turned by
 * `position * inverseFrequencies[i]` and multiplied by `scale` (YaRN's attention factor, else 1).
 * Pairs are `(i, i + n)` for n = `inverseFrequencies.length`, or `(2i, 2i + 1)` when `interleaved`;
 * elements past `2n` are left alone. Angles are computed in double precision.
 */
export type Rope = {
  readonly inverseFrequencies: Float64Array;
  readonly scale: number;
  readonly interleaved: boolean;
  /**
   * Dynamic NTK: from position `maxPositions` on, pair i turns by
   * `position * b^(-2i / d)`, b = base * (factor * (position + 1) / maxPositions - (factor - 1))^(d / (d - 2)), d = 2n:
   * what token-by-token decoding gives, whatever the chunks.
   */
  readonly dynamic?: { readonly base: number; readonly factor: number; readonly maxPositions: number };
};

/**
 * The op set. Buffers, tensors, ropes and KV layers are indices into the program. `x[r]` is row r.
 * `out` may be the same buffer as an input, except in `linear` (where it may only equal `residual`), `gated`
 * and `attend`. A buffer is written before it is read. `embed`, `rope`, `writeKv`, `attend` and the body
 * of an `iterate` work on buffers of `"tokens"`.
 *
 * Tensors are float and not packed, except the weights of `linear` and `gated`, which are float, or
 * quantised and packed (`Device.pack`), and the table of `embed`, which is float, or quantised and not
 * packed: its rows are the exact values of the blocks, rounded once to f32.
 *
 * Numerics of a quantised weight, the same in every implementation. Each row x is first rounded to 8 bits
 * in blocks of 32 inputs, all in f32: `amax = max |x|`, `scale = amax / 127`, `inverse = 127 / amax` (0 where
 * that is not finite), `q = x * inverse` rounded to a whole number, halves to the even one. A block that holds
 * anything not finite has scale NaN and q = 0, so that every output of the row is NaN. An output is the sum
 * over blocks, in ascending order, of `weightScale * scale * (exact whole-number dot)` and, where the format
 * has one, of its offset times `scale * (sum of q)`.
 */
export type Instruction =
  /** out[r] = table[token[r]]; table [vocab, width]. */
  | { readonly op: "embed"; readonly out: number; readonly table: number }
  /** Each run of n = weight.length elements: out = x / sqrt(mean(x^2) + eps) * weight. n divides the width. */
  | {
      readonly op: "rmsNorm";
      readonly out: number;
      readonly x: number;
      readonly weight: number;
      readonly eps: number;
    }
  /** out[r] = weight . x[r] (+ bias) (+ residual[r]); weight [outWidth, inWidth], bias [outWidth]. */
  | {
      readonly op: "linear";
      readonly out: number;
      readonly x: number;
      readonly weight: number;
      readonly bias?: number;
      readonly residual?: number;
    }
  /**
   * out[r] = silu(gate . x[r]) * (up . x[r]); gate and up [outWidth, inWidth], of one dtype. The same numbers
   * as two `linear`s and a `swiglu`, in one pass over x.
   */
  | {
      readonly op: "gated";
      readonly out: number;
      readonly x: number;
      readonly gate: number;
      readonly up: number;
    }
  /** Rotates every head (width / headDim of them) to the position of its row. */
  | { readonly op: "rope"; readonly out: number; readonly x: number; readonly rope: number }
  /**
   * Stores k and v [kvHeads * headDim] of every row in its slot of the KV layer, converted to the
   * format of the pages, with its position. With `rope`, keys are first turned by that rope to the position of their
   * row, as a `rope` before would have; the buffer of k stays as it is.
   */
  | {
      readonly op: "writeKv";
      readonly kvLayer: number;
      readonly k: number;
      readonly v: number;
      readonly rope?: number;
    }
  /**
   * out[r] = softmax(scale * q[r] . K) . V over the slots that the mask shows; query head h reads KV
   * head floor(h * kvHeads / heads), heads = width / headDim. Visible to a row at position p, in slot s
   * of its sequence: slots up to s (`strict`: up to s - 1), and of those, where `window` > 0, slots whose
   * position is greater than p - window. Nothing visible: zeros. `rope` is what `sinks` are turned by, its
   * scale left out; it must not be dynamic where there are any. The KV layer was written earlier in the
   * program, or an enclosing `iterate` lists it: no slot of another sequence is ever read.
   */
  | {
      readonly op: "attend";
      readonly out: number;
      readonly q: number;
      readonly kvLayer: number;
      readonly scale: number;
      readonly strict: boolean;
      readonly window: number;
      readonly rope: number;
    }
  /** out = silu(gate) * up. */
  | { readonly op: "swiglu"; readonly out: number; readonly gate: number; readonly up: number }
  | { readonly op: "add"; readonly out: number; readonly a: number; readonly b: number }
  /** out[i] = x[outputs[i]]: from token rows to output rows. */
  | { readonly op: "gatherOutputs"; readonly out: number; readonly x: number }
  /**
   * Runs the next `body` instructions once for all rows, then again for each sequence of n > 1 rows,
   * alone, until it has had min(passes, n) passes, or, where `tolerance` > 0 and it does not collect attention,
   * until a pass changed no element of `kvLayers`' new keys and values by more than `tolerance`. Before the first
   * pass the slots of the step's rows in `kvLayers` (the sources that lie above some of their readers, written in
   * the body) get zero keys and values at their true positions (LCKV, Wu and Tu 2024). What counts for `tolerance` is
   * what pages store; the first pass is compared with the zeros. Does not nest; the body writes no buffer that it reads from before it.
   */
  | {
      readonly op: "iterate";
      readonly body: number;
      readonly passes: number;
      readonly tolerance: number;
      readonly kvLayers: readonly number[];
    };
