/** A layer map that names layers it cannot; the message names the entry, what it says and what it may. */
export class LayerMapError extends Error {
  override readonly name = "LayerMapError";
  readonly code = "invalid-layer-map";
}
