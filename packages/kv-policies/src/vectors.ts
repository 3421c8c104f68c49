/** Lengths of vectors that lie one after the other, `[count, dim]`. In double precision. */
export function lengths(vectors: Float32Array, count: number): Float64Array {
  const dim = vectors.length / count;
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let squares = 0;
    for (let c = i * dim; c < (i + 1) * dim; c++) squares += vectors[c]! * vectors[c]!;
    result[i] = Math.sqrt(squares);
  }
  return result;
}

/** The sum of vectors, each scaled to length 1; those of length 0 add nothing. `[dim]`. */
export function sumOfDirections(vectors: Float32Array, norms: Float64Array): Float64Array {
  const dim = vectors.length / norms.length;
  const sum = new Float64Array(dim);
  norms.forEach((norm, i) => {
    if (norm === 0) return;
    for (let c = 0; c < dim; c++) sum[c]! += vectors[i * dim + c]! / norm;
  });
  return sum;
}
