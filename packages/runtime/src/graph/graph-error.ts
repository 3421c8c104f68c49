/** A graph whose operations do not fit together; the message names the operation and the shapes. */
export class GraphError extends Error {
  override readonly name = "GraphError";
  readonly code = "invalid-graph";
}
