/** Rows `from` to `to - 1` of the buffers. */
export type Rows = { readonly from: number; readonly to: number };
