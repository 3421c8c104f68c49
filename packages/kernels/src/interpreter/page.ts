import type { PageMemorySpec } from "../device.ts";

/** Values as the dtype of the memory has them, in f32, which holds all of them. */
export type Page = {
  /** [pageTokens, headDim] */
  readonly keys: Float32Array;
  /** [pageTokens, headDim] */
  readonly values: Float32Array;
  /** [pageTokens] */
  readonly positions: Int32Array;
  /** [pageTokens] */
  readonly attentionSums: Float32Array;
};

export function emptyPage({ pageTokens, headDim }: PageMemorySpec): Page {
  return {
    keys: new Float32Array(pageTokens * headDim),
    values: new Float32Array(pageTokens * headDim),
    positions: new Int32Array(pageTokens),
    attentionSums: new Float32Array(pageTokens),
  };
}
