import type { AttentionCollection } from "../step.ts";

/** What the query heads that share a KV head say, as one number per slot: [heads][slots]. */
export function reduceHeads(
  reduce: AttentionCollection["reduce"],
  heads: readonly Float64Array[],
): Float64Array {
  return heads[0]!.map((_, slot) => {
    const values = heads.map((head) => head[slot]!);
    if (reduce === "max") return Math.max(...values);
    const sum = values.reduce((a, b) => a + b, 0);
    return reduce === "mean" ? sum / heads.length : sum;
  });
}
