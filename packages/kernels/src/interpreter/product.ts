import { dot, type Product } from "./operations.ts";
import { quantDot } from "./quant-matrix.ts";
import { roundRows } from "./rounded-rows.ts";
import type { Rows } from "./rows.ts";
import type { Weights } from "./weights.ts";
import type { Work } from "./work-queue.ts";

/** Gets a weight ready for rows of `x` [rows, inputs]. */
export function* productOf(weights: Weights, x: Float64Array, inputs: number, rows: Rows): Work<Product> {
  if (weights.quantised) {
    const matrix = yield* weights.matrix();
    const rounded = yield* roundRows(x, inputs, rows);
    return (row, output) => quantDot(matrix, output, rounded, row - rows.from, inputs);
  }
  const values = yield* weights.decoded();
  return (row, output) => dot(values, output * inputs, x, row * inputs, inputs);
}
